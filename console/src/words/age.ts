/** Ages and durations in words. Pure. */

export type AgeUnit = 'second' | 'minute' | 'hour' | 'day'

const UNIT_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** The shortest duration, in ms, that is said in the same words: the same number as long as the words are the same. */
export function inWords(ms: number): number {
  const { unit, count } = ageParts(ms)
  return count * UNIT_MS[unit]
}

/** A duration in the one unit in which a person would say it, rounded down; less than a second is 0 seconds. */
export function ageParts(ms: number): { readonly unit: AgeUnit; readonly count: number } {
  const seconds = Math.floor(Math.max(ms, 0) / 1_000)
  if (seconds < 60) return { unit: 'second', count: seconds }
  if (seconds < 3_600) return { unit: 'minute', count: Math.floor(seconds / 60) }
  if (seconds < 172_800) return { unit: 'hour', count: Math.floor(seconds / 3_600) }
  return { unit: 'day', count: Math.floor(seconds / 86_400) }
}
