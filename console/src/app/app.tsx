import { Component, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActQueue } from '../act/queue.ts'
import { useSession, useSignedOut } from '../api/session.ts'
import { Login } from '../people/login.tsx'
import { Password } from '../people/password.tsx'
import { Failed } from '../ui/bits.tsx'
import { PageProvider } from '../ui/context.tsx'
import { Shell } from './shell.tsx'

export function App() {
  const { t } = useTranslation()
  const session = useSession()
  const acts = useActQueue()
  const had = useRef(false)
  const [choosing, setChoosing] = useState(false)
  const who = session.data ?? null
  useEffect(() => {
    if (who === null) return
    had.current = true
    acts.signedIn()
  }, [who, acts])
  if (session.data === undefined) {
    return (
      <main className="login">
        {session.failureCount > 0 ? (
          <Failed error={session.failureReason} onRetry={() => void session.refetch()} />
        ) : (
          <p className="muted">{t('ui.loading')}</p>
        )}
      </main>
    )
  }
  if (who === null) return <Login again={had.current} />
  if (who.choose_password || choosing) return <Password who={who} onDone={() => setChoosing(false)} />
  return (
    <PageProvider who={who} acts={acts}>
      <Shell onPassword={() => setChoosing(true)} />
    </PageProvider>
  )
}

/** Outlives the session: what could not be sent without one goes out after the next login. */
function useActQueue(): ActQueue {
  const signedOut = useRef(useSignedOut())
  return useMemo(() => new ActQueue(() => signedOut.current()), [])
}

/** A fault of ours in one part must not leave a blank screen that looks quiet. */
export class Boundary extends Component<
  { words: { title: string; text: string; reload: string }; children: ReactNode },
  { broken: boolean }
> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    const { words, children } = this.props
    if (!this.state.broken) return children
    return (
      <main className="login" role="alert">
        <h1>{words.title}</h1>
        <p>{words.text}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {words.reload}
        </button>
      </main>
    )
  }
}
