/** A list whose rows don't move under a person's cursor. Pure. */

export interface Arranged<T> {
  readonly rows: readonly Row<T>[]
  /** What is there but not shown yet, in order. */
  readonly waiting: readonly T[]
}

export interface Row<T> {
  readonly key: string
  readonly item: T
  /** No longer in the list: shown where it was until nobody's cursor is on the list any more. */
  readonly gone: boolean
}

/**
 * The rows to show. While `held`, every row of `before` stays in its place with its newest content, one that left the list
 * included, and new ones wait; else the list is as it came.
 */
export function arrange<T>(
  before: readonly Row<T>[],
  next: readonly T[],
  key: (item: T) => string,
  held: boolean,
): Arranged<T> {
  if (!held) return { rows: next.map((item) => ({ key: key(item), item, gone: false })), waiting: [] }
  const now = new Map(next.map((item) => [key(item), item]))
  const rows = before.map((row) => {
    const item = now.get(row.key)
    return item === undefined ? { ...row, gone: true } : { key: row.key, item, gone: false }
  })
  const shown = new Set(before.map((row) => row.key))
  return { rows, waiting: next.filter((item) => !shown.has(key(item))) }
}

/** The key one step from `from` (down: 1, up: -1), staying inside; the first one where `from` is not in the list. */
export function neighbour(keys: readonly string[], from: string | null, step: 1 | -1): string | null {
  const at = from === null ? -1 : keys.indexOf(from)
  if (at < 0) return keys[0] ?? null
  return keys[Math.min(Math.max(at + step, 0), keys.length - 1)] ?? null
}

/** The same answer for the same thing: a row that stands for it is drawn anew only when the thing itself has changed. */
export function once<Thing extends object, Made>(make: (thing: Thing) => Made): (thing: Thing) => Made {
  const made = new WeakMap<Thing, Made>()
  return (thing) => {
    const before = made.get(thing)
    if (before !== undefined) return before
    const now = make(thing)
    made.set(thing, now)
    return now
  }
}
