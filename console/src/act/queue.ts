/** What a person did, until the server has it: sent, retried with the same key, or told that it was not done. */

import { Failure, newKey } from '../api/client.ts'
import { elapsed, type Instant } from '../feed/clock.ts'
import { instant } from '../feed/server-time.ts'
import { type Decision, decide, type Outcome } from './attempt.ts'

/** Something a person did to one thing; each subject has its own in its `deeds.ts`. */
export interface Deed {
  /** What it is done to, by its id or number: one deed at a time. */
  readonly target: string
  /** Sends it, and answers what follows from its being done. Raises `Failure`. */
  readonly send: (key: string) => Promise<() => void>
  /** Somebody was faster: shows how it is now. */
  readonly look: () => Promise<unknown>
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

export class ActQueue {
  readonly #listeners = new Set<() => void>()
  readonly #onSignedOut: () => void
  #acts: readonly Act[] = []

  constructor(onSignedOut: () => void) {
    this.#onSignedOut = onSignedOut
  }

  readonly get = (): readonly Act[] => this.#acts

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Do it. One thing at a time for each target: a second one before the first is settled is not begun. */
  do(deed: Deed): void {
    const before = this.#acts.find((act) => act.deed.target === deed.target)
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
      const done = await act.deed.send(key).catch(failed)
      if (!(done instanceof Failure)) {
        this.drop(key)
        done()
        return
      }
      const { code, status, retryAfterS } = done
      const outcome: Outcome = code === 'network' ? { kind: 'network' } : { kind: 'answer', status, code, retryAfterS }
      const decision = decide(outcome, tries, elapsed(began, instant()))
      if (decision.type !== 'retry') {
        if (decision.type === 'done') return
        this.#change(key, { state: decision.type, nextAt: null, code })
        // If that fails too, the stream tells it.
        if (decision.type === 'conflict') void act.deed.look().catch(() => undefined)
        if (decision.type === 'sign-in') this.#onSignedOut()
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
