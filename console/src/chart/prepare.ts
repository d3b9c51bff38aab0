/** From the API's columns to what is drawn. Pure. */

import type { Series } from '../api/client.ts'

type Column = (number | null)[]

export interface Drawn {
  /** Seconds since 1970 UTC, lowest, mean, highest: what uPlot takes. Null breaks the line. */
  readonly columns: [number[], Column, Column, Column]
  /** From and to, in seconds, between which nothing came. */
  readonly gaps: readonly (readonly [number, number])[]
  /** The limits near enough to be in the picture. */
  readonly limits: Series['limits']
  readonly y: readonly [number, number]
  /** Of all points; null: there are none. */
  readonly lo: number | null
  readonly hi: number | null
  /** The newest value, and when, in ms since 1970 UTC. */
  readonly last: { readonly at: number; readonly value: number } | null
  readonly bad: number
  /** Whether the line between two points means anything; else a signal comes when it comes. */
  readonly regular: boolean
}

export function prepare(series: Series): Drawn {
  const { t, lo, avg, hi, n, bad } = series.points
  const x = t.map((ms) => ms / 1_000)
  const lowest = least(lo)
  const highest = most(hi)
  const limits = near(series.limits, lowest, highest)
  const at = newest(avg)
  const [time, value] = [t[at], avg[at]]
  return {
    columns: [x, lo, avg, hi],
    gaps: gapsOf(series, x, n, bad),
    limits,
    y: range(lowest, highest, limits),
    lo: lowest,
    hi: highest,
    last: time === undefined || value === undefined || value === null ? null : { at: time, value },
    bad: bad.reduce((sum, count) => sum + count, 0),
    regular: series.gap_s !== null || series.width_s > 0,
  }
}

/** The index of the last value; -1: there is none. */
export function newest(column: readonly (number | null)[]): number {
  let at = column.length - 1
  while (at >= 0 && column[at] === null) at -= 1
  return at
}

const numbers = (column: readonly (number | null)[]): number[] =>
  column.filter((value): value is number => value !== null)
const least = (column: readonly (number | null)[]): number | null =>
  numbers(column).reduce<number | null>((low, value) => (low === null || value < low ? value : low), null)
const most = (column: readonly (number | null)[]): number | null =>
  numbers(column).reduce<number | null>((high, value) => (high === null || value > high ? value : high), null)

/** A limit far away would press the line flat: within one span of the data it helps, beyond that it doesn't. */
function near(limits: Series['limits'], lo: number | null, hi: number | null): Series['limits'] {
  if (lo === null || hi === null) return []
  const reach = Math.max(hi - lo, Math.abs(hi) * 0.5, 1e-9)
  return limits.filter((limit) => limit.raise_at >= lo - reach && limit.raise_at <= hi + reach)
}

function range(lo: number | null, hi: number | null, limits: Series['limits']): [number, number] {
  if (lo === null || hi === null) return [0, 1]
  const values = [lo, hi, ...limits.map((limit) => limit.raise_at)]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const margin = (high - low || Math.abs(high) || 1) * 0.08
  return [low - margin, high + margin]
}

/** The API breaks the line by a point without readings; the gap reaches from the point before it to the one behind. */
function gapsOf(
  series: Series,
  x: readonly number[],
  n: readonly number[],
  bad: readonly number[],
): [number, number][] {
  const gaps: [number, number][] = []
  const width = series.width_s
  for (let at = 0; at < x.length; at += 1) {
    if ((n[at] ?? 0) + (bad[at] ?? 0) > 0) continue
    const before = at === 0 ? Date.parse(series.begins) / 1_000 : (x[at - 1] ?? 0) + width
    const behind = x[at + 1] ?? Date.parse(series.ends) / 1_000
    const last = gaps.at(-1)
    if (last !== undefined && last[1] >= before) last[1] = behind
    else gaps.push([before, behind])
  }
  return gaps
}
