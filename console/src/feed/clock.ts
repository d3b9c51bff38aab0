/** Time: how long ago something was, whatever the browser's clock does. Pure. */

/** A moment by both clocks of the browser, in ms: `wall` may be set back, `mono` may stand still while it sleeps. */
export interface Instant {
  readonly wall: number
  readonly mono: number
}

/** Milliseconds from `from` to `to`: the longer by either clock, so that neither a nap nor a set clock hides age. */
export function elapsed(from: Instant, to: Instant): number {
  return Math.max(to.wall - from.wall, to.mono - from.mono, 0)
}

/** A difference beyond this is a clock that was set, not a slow line. */
const STEP_MS = 2_000

/**
 * The server's clock less the browser's, in ms, after a beat that told `serverNow`.
 * The line's delay only ever makes the server look slow, so the highest of near estimates is the best one.
 */
export function serverOffset(before: number | null, serverNow: number, now: Instant): number {
  const seen = serverNow - now.wall
  return before === null || Math.abs(seen - before) > STEP_MS ? seen : Math.max(before, seen)
}
