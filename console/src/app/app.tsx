import { Component, lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActQueue } from '../act/queue.ts'
import type { WhoAmI } from '../api/client.ts'
import { useSession, useSignedOut } from '../api/session.ts'
import { over } from '../first/handed.ts'
import { Login } from '../people/login.tsx'
import { Password } from '../people/password.tsx'
import { Failed } from '../ui/bits.tsx'
import '../ui/words.ts'

/** Not for who has still to sign in. */
const Signed = lazy(() => import('./signed.tsx'))

export function App() {
  const { t } = useTranslation()
  const session = useSession()
  const acts = useActQueue()
  const who = session.data ?? null
  // Whose page is shown. It stays while they sign in again: nothing that was typed is lost.
  const [shown, setShown] = useState<WhoAmI | null>(null)
  useEffect(() => {
    if (who === null) return
    setShown(who)
    acts.signedIn()
  }, [who, acts])
  const asks = who === null ? session.data === null || session.failureCount > 0 : who.choose_password
  useEffect(() => {
    if (asks) over()
  }, [asks])
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
  if (who?.choose_password) return <Password who={who} />
  if (shown === null) return who === null ? <Login again={false} /> : null
  return (
    <>
      <div className="signed-in" inert={who === null}>
        <Suspense>
          <Signed key={`${shown.user} ${shown.org.id} ${shown.role}`} who={shown} session={who} acts={acts} />
        </Suspense>
      </div>
      {who === null ? (
        <div className="over-all">
          <Login again={true} />
        </div>
      ) : null}
    </>
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
