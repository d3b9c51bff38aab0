/** A ticket's own copy of its evidence, as a chart takes it: for when the readings themselves are gone. Pure. */

import type { Schemas, Series } from '../api/client.ts'

const BAD = 2

/** The series of one signal, with what else the device's own knows of it; `series` itself where the copy has none, or all is still there. */
export function kept(series: Series, evidence: Schemas['TicketEvidence'] | undefined): Series {
  const signal = evidence?.signals.find((each) => each.metric === series.metric)
  if (evidence === undefined || signal === undefined || seen(series, Date.parse(evidence.ends))) return series
  const good = signal.value.map((value, at) => (signal.quality[at] === BAD ? null : value))
  return {
    ...series,
    unit: signal.unit,
    begins: evidence.begins,
    ends: evidence.ends,
    resolution: 'raw',
    width_s: 0,
    gap_s: null,
    // How often it was measured isn't known of a copy: no line between its points.
    per_event: true,
    runs:
      series.runs === null
        ? null
        : signal.t
            .map((t, at) => ({ begins: t, ends: t, value: good[at] ?? null, n: 1 }))
            .filter((run) => run.value !== null),
    points: {
      t: signal.t,
      lo: good,
      avg: good,
      hi: good,
      n: good.map((value) => (value === null ? 0 : 1)),
      bad: signal.quality.map((quality) => (quality === BAD ? 1 : 0)),
    },
  }
}

/** Whether anything was measured until a moment, in ms: retention takes what led to a fault before what followed it. */
export const seen = ({ points }: Series, until: number): boolean =>
  points.t.some((t, at) => t <= until && ((points.n[at] ?? 0) > 0 || (points.bad[at] ?? 0) > 0))
