/** From the API's columns to what is drawn. Pure. */

import type { Series, Severity } from '../api/client.ts'

type Column = (number | null)[]
export type Columns = [number[], Column, Column, Column]

export interface Occurrence {
  /** In seconds since 1970 UTC; `to` null: it isn't over. */
  readonly from: number
  readonly to: number | null
  readonly severity: Severity
  /** What the chart is about. */
  readonly main: boolean
  /** When it came back while it was about to end. */
  readonly again: readonly number[]
  readonly alert: string
  readonly text: string
}

export interface Drawn {
  /** Seconds since 1970 UTC, lowest, mean, highest: what uPlot takes. Null breaks the line. */
  readonly columns: Columns
  /** What was asked for, at seconds since 1970 UTC. */
  readonly set: readonly (readonly [number, number])[]
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
  readonly line: boolean
}

export function prepare(series: Series): Drawn {
  const { t, lo, avg, hi, n, bad } = series.points
  const x = t.map((ms) => ms / 1_000)
  const lowest = least(lo)
  const highest = most(hi)
  const set = setOf(series)
  const limits = near(series.limits, lowest, highest)
  const at = newest(avg)
  const [time, value] = [t[at], avg[at]]
  return {
    columns: [x, lo, avg, hi],
    set,
    gaps: gapsOf(series, x, n, bad),
    limits,
    y: range(lowest, highest, [...limits.map((limit) => limit.raise_at), ...set.map(([, asked]) => asked)]),
    lo: lowest,
    hi: highest,
    last: time === undefined || value === undefined || value === null ? null : { at: time, value },
    bad: bad.reduce((sum, count) => sum + count, 0),
    line: !series.per_event,
  }
}

/** The index of the last value; -1: there is none. */
export function newest(column: readonly (number | null)[]): number {
  let at = column.length - 1
  while (at >= 0 && column[at] === null) at -= 1
  return at
}

/** The index of the point nearest to a moment in ms; -1: there is none. */
export function nearest(t: readonly number[], at: number): number {
  let best = -1
  let distance = Number.POSITIVE_INFINITY
  for (let index = 0; index < t.length; index += 1) {
    const here = Math.abs((t[index] ?? 0) - at)
    if (here < distance) {
      best = index
      distance = here
    }
  }
  return best
}

/** What a chart is about: a moment in ms, and the rule of its alert where it has one. */
export interface About {
  readonly at: number
  readonly severity: Severity
  readonly rule?: string | undefined
}

/** Two moments so near are the same one, in s. */
const SAME = 1

/**
 * What of the alerts belongs to this picture, from oldest to newest: of the fault's own rule; without one, of the limits
 * of the signal. The fault itself is among them, though no alert told of it.
 */
export function occurrencesOf({ marks, limits }: Series, about: About | null): Occurrence[] {
  const rules = new Set(about?.rule === undefined ? limits.map((limit) => limit.rule) : [about.rule])
  const at = (about?.at ?? 0) / 1_000
  const found = marks
    .filter((mark) => rules.has(mark.rule))
    .map((mark) => {
      const from = Date.parse(mark.begins) / 1_000
      return {
        from,
        to: mark.ends === null ? null : Date.parse(mark.ends) / 1_000,
        severity: mark.severity,
        main: about !== null && Math.abs(from - at) <= SAME,
        again: mark.again.map((moment) => Date.parse(moment) / 1_000),
        alert: mark.alert,
        text: mark.text,
      }
    })
  if (about === null || found.some((each) => each.main)) return found
  const itself = { from: at, to: at, severity: about.severity, main: true, again: [], alert: '', text: '' }
  return [...found, itself].sort((a, b) => a.from - b.from)
}

/** The values as a table of a spreadsheet: times in UTC, a column each. */
export function csv(series: Series): string {
  const { t, lo, avg, hi, n, bad } = series.points
  const asked = new Map(series.set?.t.map((time, at) => [time, series.set?.value[at]]))
  const named = series.set === null ? [] : [series.set.metric]
  const head = ['time', `${series.metric} [${series.unit}]`, 'lowest', 'highest', 'readings', 'bad', ...named]
  const rows = t.map((time, at) =>
    [
      new Date(time).toISOString(),
      avg[at] ?? '',
      lo[at] ?? '',
      hi[at] ?? '',
      n[at],
      bad[at],
      ...named.map(() => asked.get(time) ?? ''),
    ].join(','),
  )
  return `${[head.join(','), ...rows].join('\r\n')}\r\n`
}

const numbers = (column: readonly (number | null)[]): number[] =>
  column.filter((value): value is number => value !== null)
const least = (column: readonly (number | null)[]): number | null =>
  numbers(column).reduce<number | null>((low, value) => (low === null || value < low ? value : low), null)
const most = (column: readonly (number | null)[]): number | null =>
  numbers(column).reduce<number | null>((high, value) => (high === null || value > high ? value : high), null)

function setOf({ set }: Series): [number, number][] {
  if (set === null) return []
  return set.t.flatMap((time, at): [number, number][] => {
    const value = set.value[at]
    return value === null || value === undefined ? [] : [[time / 1_000, value]]
  })
}

/** A limit far away would press the line flat: within one span of the data it helps, beyond that it doesn't. */
function near(limits: Series['limits'], lo: number | null, hi: number | null): Series['limits'] {
  if (lo === null || hi === null) return []
  const reach = Math.max(hi - lo, Math.abs(hi) * 0.5, 1e-9)
  return limits.filter((limit) => limit.raise_at >= lo - reach && limit.raise_at <= hi + reach)
}

function range(lo: number | null, hi: number | null, others: readonly number[]): [number, number] {
  if (lo === null || hi === null) return [0, 1]
  const values = [lo, hi, ...others]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const margin = (high - low || Math.abs(high) || 1) * 0.08
  return [low - margin, high + margin]
}

/**
 * When nothing came: where the API breaks the line, from the point before to the one behind; and when the device wasn't
 * heard, or what it measured is lost, and nothing came afterwards. From oldest to newest, none within another.
 */
function gapsOf(
  series: Series,
  x: readonly number[],
  n: readonly number[],
  bad: readonly number[],
): [number, number][] {
  const [begins, ends] = [Date.parse(series.begins) / 1_000, Date.parse(series.ends) / 1_000]
  const came = (from: number, to: number) => x.some((at, index) => at > from && at < to && (n[index] ?? 0) > 0)
  const gaps = series.unheard
    .map((each): [number, number] => [
      Math.max(Date.parse(each.begins) / 1_000, begins),
      Math.min(each.ends === null ? ends : Date.parse(each.ends) / 1_000, ends),
    ])
    // What was measured meanwhile and came later is there.
    .filter(([from, to]) => from < to && !came(from, to))
  for (let at = 0; at < x.length; at += 1) {
    if ((n[at] ?? 0) + (bad[at] ?? 0) > 0) continue
    gaps.push([at === 0 ? begins : (x[at - 1] ?? 0) + series.width_s, x[at + 1] ?? ends])
  }
  const joined: [number, number][] = []
  for (const [from, to] of gaps.sort(([a], [b]) => a - b)) {
    const last = joined.at(-1)
    if (last !== undefined && last[1] >= from) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}
