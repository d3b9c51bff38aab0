/** What a person did, until the server has it: sent, retried with the same key, or told that it was not done. */

import { type Alert, api, Failure, newKey, type Schemas, type TicketDetail, taken } from '../api/client.ts'
import { elapsed, type Instant } from '../feed/clock.ts'
import { instant } from '../feed/server-time.ts'
import { type Decision, decide, type Outcome } from './attempt.ts'

export type Deed =
  | { readonly kind: 'acknowledge' | 'unacknowledge'; readonly alert: Alert; readonly note: string }
  | {
      readonly kind: 'transition'
      readonly ticket: TicketDetail
      readonly event: Schemas['Transition']['event']
      readonly note: string
    }

export interface Act {
  /** The Idempotency-Key: however often it is sent, it is done once. */
  readonly key: string
  readonly deed: Deed
  readonly state: 'sending' | 'waiting' | Exclude<Decision['type'], 'done' | 'retry'>
  readonly tries: number
  readonly nextAt: Instant | null
  /** Why it was refused. */
  readonly code: string
}

export type Done =
  | { readonly kind: 'acknowledge' | 'unacknowledge'; readonly alert: Schemas['AlertDetail'] }
  | { readonly kind: 'transition'; readonly ticket: TicketDetail }

interface Wiring {
  readonly onDone: (done: Done) => void
  /** Somebody was faster: what is shown of it is old. */
  readonly onConflict: (deed: Deed) => void
  readonly onSignedOut: () => void
}

export const targetOf = (deed: Deed): string => (deed.kind === 'transition' ? deed.ticket.number : deed.alert.id)

export class ActQueue {
  readonly #listeners = new Set<() => void>()
  readonly #wiring: Wiring
  #acts: readonly Act[] = []
  /** For undoing: as it was answered. */
  lastAcknowledged: Alert | null = null

  constructor(wiring: Wiring) {
    this.#wiring = wiring
  }

  readonly get = (): readonly Act[] => this.#acts

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Do it. One thing at a time for each target: a second one before the first is settled is not begun. */
  do(deed: Deed): void {
    const before = this.#acts.find((act) => targetOf(act.deed) === targetOf(deed))
    if (before !== undefined && (before.state === 'sending' || before.state === 'waiting')) return
    const others = this.#acts.filter((act) => act !== before)
    const act: Act = { key: newKey(), deed, state: 'sending', tries: 0, nextAt: null, code: '' }
    this.#put([...others, act])
    void this.#run(act.key)
  }

  /** Try once more what was given up, with the same key. */
  again(key: string): void {
    if (this.#acts.some((act) => act.key === key && act.state !== 'sending')) void this.#run(key)
  }

  drop(key: string): void {
    this.#put(this.#acts.filter((act) => act.key !== key))
  }

  /** Somebody signed in again: what waited for that goes out. */
  signedIn(): void {
    for (const act of this.#acts) if (act.state === 'sign-in') void this.#run(act.key)
  }

  #put(acts: readonly Act[]): void {
    this.#acts = acts
    for (const listener of this.#listeners) listener()
  }

  #change(key: string, change: Partial<Act>): void {
    this.#put(this.#acts.map((act) => (act.key === key ? { ...act, ...change } : act)))
  }

  async #run(key: string): Promise<void> {
    const began = instant()
    for (let tries = 1; ; tries += 1) {
      const act = this.#acts.find((one) => one.key === key)
      if (act === undefined) return
      this.#change(key, { state: 'sending', tries, nextAt: null })
      const done = await send(act).catch(failed)
      if (!(done instanceof Failure)) {
        this.drop(key)
        if (done.kind === 'acknowledge') this.lastAcknowledged = done.alert
        if (done.kind === 'unacknowledge') this.lastAcknowledged = null
        this.#wiring.onDone(done)
        return
      }
      const { code, status, retryAfterS } = done
      const outcome: Outcome = code === 'network' ? { kind: 'network' } : { kind: 'answer', status, code, retryAfterS }
      const decision = decide(outcome, tries, elapsed(began, instant()))
      if (decision.type !== 'retry') {
        if (decision.type === 'done') return
        this.#change(key, { state: decision.type, nextAt: null, code })
        if (decision.type === 'conflict') this.#wiring.onConflict(act.deed)
        if (decision.type === 'sign-in') this.#wiring.onSignedOut()
        return
      }
      const at = instant()
      const nextAt = { wall: at.wall + decision.inMs, mono: at.mono + decision.inMs }
      this.#change(key, { state: 'waiting', nextAt, code })
      await new Promise((resolve) => setTimeout(resolve, decision.inMs))
    }
  }
}

/** A body that broke off is no answer either. */
const failed = (error: unknown): Failure => (error instanceof Failure ? error : new Failure(0, 'network'))

async function send({ key, deed }: Act): Promise<Done> {
  if (deed.kind === 'transition') {
    const { number, version } = deed.ticket
    const ticket = await taken(
      api.POST('/api/v1/tickets/{number}/transition', {
        params: { path: { number }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key } },
        body: { event: deed.event, note: deed.note },
      }),
    )
    return { kind: 'transition', ticket }
  }
  const { id, version } = deed.alert
  const asked = {
    params: { path: { id }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key } },
    body: { note: deed.note },
  }
  const alert = await taken(
    deed.kind === 'acknowledge'
      ? api.POST('/api/v1/alerts/{id}/acknowledge', asked)
      : api.POST('/api/v1/alerts/{id}/unacknowledge', asked),
  )
  return { kind: deed.kind, alert }
}
