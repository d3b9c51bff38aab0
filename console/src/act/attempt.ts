/** What follows from an answer to something a person did: nothing is lost on a failed click, it is retried or told. Pure. */

/** What came of one request. `network`: no answer at all, so nobody knows whether it was done. */
export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly retryAfterS: number | null }
  | { readonly kind: 'network' }

export type Decision =
  | { readonly type: 'done' }
  | { readonly type: 'retry'; readonly inMs: number }
  | { readonly type: 'sign-in' }
  /** Somebody was faster: the person must look and decide again. */
  | { readonly type: 'conflict' }
  | { readonly type: 'refused' }
  /** Tried for long enough; the person may try again with the same key. */
  | { readonly type: 'given-up' }

export const GIVE_UP_AFTER_MS = 60_000
const LONGEST_WAIT_MS = 8_000

/** `tries`: requests made so far, this one included; `forMs`: since the first of them. */
export function decide(outcome: Outcome, tries: number, forMs: number): Decision {
  if (outcome.kind === 'answer') {
    const { status, code } = outcome
    if (status < 300) return { type: 'done' }
    if (status === 401) return { type: 'sign-in' }
    if (status === 412 || (status === 409 && code !== 'busy')) return { type: 'conflict' }
    if (!passing(status)) return { type: 'refused' }
  }
  if (forMs >= GIVE_UP_AFTER_MS) return { type: 'given-up' }
  const asked = outcome.kind === 'answer' ? outcome.retryAfterS : null
  return { type: 'retry', inMs: asked === null ? Math.min(1_000 * 2 ** (tries - 1), LONGEST_WAIT_MS) : asked * 1_000 }
}

/** Whether the same request may succeed later (RFC 9110, section 15): too slow, busy, too many, a fault of the server. */
function passing(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500
}
