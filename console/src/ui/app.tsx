import { useQueryClient } from '@tanstack/react-query'
import { Component, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActQueue, type Deed, type Done } from '../act/queue.ts'
import { api, taken } from '../api/client.ts'
import { put } from '../feed/put.ts'
import { forgetDraft } from './alerts.tsx'
import { Failed } from './bits.tsx'
import { PageProvider } from './context.tsx'
import { Password } from './password.tsx'
import { Login, useSession, useSignedOut } from './session.tsx'
import { Shell } from './shell.tsx'
import { say } from './toasts.tsx'

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
          <p className="muted">{t('app.loading')}</p>
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
  const queries = useQueryClient()
  const { t } = useTranslation()
  const signedOut = useRef(useSignedOut())
  const words = useRef(t)
  useEffect(() => {
    words.current = t
  })
  return useMemo(() => {
    const queue: ActQueue = new ActQueue({
      onDone: (done) => {
        told(done)
      },
      // If that fails too, the stream tells it.
      onConflict: (deed) => void look(deed).catch(() => undefined),
      onSignedOut: () => signedOut.current(),
    })
    function told(done: Done): void {
      const say_ = words.current
      if (done.kind === 'transition') {
        put(queries, { type: 'ticket', ticket: done.ticket })
        say(say_('act.moved', { number: done.ticket.number, status: say_(`status.${done.ticket.status}`) }))
        return
      }
      put(queries, { type: 'alert', alert: done.alert })
      const what = `${done.alert.device.name} ${done.alert.message.text}`
      if (done.kind === 'unacknowledge') {
        say(say_('act.unacknowledged', { what }))
        return
      }
      forgetDraft(done.alert.id)
      say(say_('act.acknowledged', { what }), {
        words: say_('act.undo'),
        run: () => queue.do({ kind: 'unacknowledge', alert: done.alert, note: '' }),
      })
    }
    /** Somebody was faster: show how it is now. */
    async function look(deed: Deed): Promise<void> {
      if (deed.kind === 'transition') await queries.invalidateQueries({ queryKey: ['ticket'] })
      else {
        const params = { path: { id: deed.alert.id } }
        const alert = await taken(api.GET('/api/v1/alerts/{id}', { params }))
        put(queries, { type: 'alert', alert })
      }
    }
    return queue
  }, [queries])
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
