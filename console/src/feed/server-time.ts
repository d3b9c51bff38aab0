/** The server's time, by its own words: a browser whose clock is wrong still shows right ages. */

import { type Instant, serverOffset } from './clock.ts'

let offset: number | null = null

export const instant = (): Instant => ({ wall: Date.now(), mono: performance.now() })

/** The server said that it is `told` (RFC 3339). */
export function adopt(told: string): void {
  const at = Date.parse(told)
  if (!Number.isNaN(at)) offset = serverOffset(offset, at, instant())
}

/** Milliseconds since 1970 UTC on the server's clock; on the browser's, until the server has spoken. */
export const serverNow = (): number => Date.now() + (offset ?? 0)
