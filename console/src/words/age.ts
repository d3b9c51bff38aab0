/** Ages and durations in words. Pure. */

export type AgeUnit = 'second' | 'minute' | 'hour' | 'day'

/** A duration in the one unit in which a person would say it, rounded down; less than a second is 0 seconds. */
export function ageParts(ms: number): { readonly unit: AgeUnit; readonly count: number } {
  const seconds = Math.floor(Math.max(ms, 0) / 1_000)
  if (seconds < 60) return { unit: 'second', count: seconds }
  if (seconds < 3_600) return { unit: 'minute', count: Math.floor(seconds / 60) }
  if (seconds < 172_800) return { unit: 'hour', count: Math.floor(seconds / 3_600) }
  return { unit: 'day', count: Math.floor(seconds / 86_400) }
}
