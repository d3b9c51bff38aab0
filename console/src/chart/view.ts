/** What of a device is looked at, and of which time: as the address has it. Pure. */

import type { Read } from '../ui/fields.ts'

export const LASTS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_592_000_000 } as const
export type Last = keyof typeof LASTS

/** Shown in the place of a signal: what happened. */
export const TIMELINE = 'timeline'

export interface View {
  /** A metric, or TIMELINE; none: what fits best. */
  readonly signal?: string | undefined
  /** So much up to now; none: around the fault, or the last day. */
  readonly last?: Last | undefined
  /** A range of one's own, in ms since 1970 UTC: both or none. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

const instant: Read<number> = (value) =>
  /^\d{12,14}$/.test(String(value)) && Number(value) <= 8.64e15 ? Number(value) : undefined

/** The fields of a `View` among a page's search parameters. */
export const viewSearch = {
  signal: ((value) =>
    typeof value === 'string' && /^[a-z0-9][a-z0-9_.-]{0,63}$/.test(value) ? value : undefined) satisfies Read<string>,
  last: ((value) => (Object.keys(LASTS) as Last[]).find((last) => last === value)) satisfies Read<Last>,
  from: instant,
  to: instant,
}

export interface Range {
  readonly from: number
  readonly to: number
}
/** A range of a chart, in ms: fixed, or so much up to now. */
export type Span = Range | { readonly last: number }

export const SHORTEST = 10_000
export const LONGEST = 3_650 * 86_400_000

/** The range that a view asks for; `around`: of the fault that it is about. */
export function spanOf(view: View, around: Range | null): Span {
  const { from, to } = view
  if (from !== undefined && to !== undefined && to - from >= SHORTEST && to - from <= LONGEST) return { from, to }
  if (view.last !== undefined) return { last: LASTS[view.last] }
  return around ?? { last: LASTS.day }
}

export type Choice = Last | 'around' | 'own'

/** Which of the offered ranges a view has. */
export function chosen(view: View, around: Range | null): Choice {
  const span = spanOf(view, around)
  if ('from' in span && span !== around) return 'own'
  return view.last ?? (around === null ? 'day' : 'around')
}

/** Whole seconds, no shorter and no longer than can be shown, and not after `now`. */
export function bounded({ from, to }: Range, now: number): Range {
  const length = Math.min(Math.max(to - from, SHORTEST), LONGEST)
  const middle = (from + to) / 2
  const begin = Math.max(0, Math.min(middle - length / 2, now - length))
  return { from: Math.floor(begin / 1_000) * 1_000, to: Math.ceil((begin + length) / 1_000) * 1_000 }
}

/** `factor` below 1 looks closer; the moment at `share` (0 to 1) of the range stays where it is. */
export function zoomed({ from, to }: Range, factor: number, share = 0.5): Range {
  const at = from + (to - from) * share
  return { from: at - (at - from) * factor, to: at + (to - at) * factor }
}

/** By a share of its length, later if it is above 0. */
export function panned({ from, to }: Range, share: number): Range {
  const by = (to - from) * share
  return { from: from + by, to: to + by }
}

/** The piece between two shares of it. */
export function piece({ from, to }: Range, a: number, b: number): Range {
  const at = (share: number) => from + (to - from) * Math.min(Math.max(share, 0), 1)
  return { from: at(Math.min(a, b)), to: at(Math.max(a, b)) }
}
