/** What is drawn on lines under each other: strips of what is so or isn't, and what happened to a device. Pure. */

import type { Schemas, Series, Severity } from '../api/client.ts'

export type Tone = Severity | 'plain' | 'mixed' | 'lost'

export interface Bar {
  /** In ms since 1970 UTC. */
  readonly from: number
  readonly to: number
  readonly tone: Tone
  readonly text: string
  /** It isn't over. */
  readonly open: boolean
}

export interface Dot {
  readonly at: number
  readonly text: string
}

export interface Row {
  readonly key: string
  readonly name: string
  readonly bars: readonly Bar[]
  readonly dots: readonly Dot[]
}

/** A device's timeline as rows; what isn't over reaches until `now`. */
export function rowsOf(timeline: Schemas['Timeline']): Row[] {
  const [begins, now] = [Date.parse(timeline.begins), Math.min(Date.parse(timeline.ends), Date.parse(timeline.now))]
  return timeline.lanes.flatMap((lane): Row[] => {
    const bars = lane.spans.map(
      (span): Bar => ({
        from: Math.max(Date.parse(span.begins), begins),
        to: span.ends === null ? now : Date.parse(span.ends),
        tone: lane.kind === 'heard' ? 'lost' : (span.severity ?? 'plain'),
        text: span.text,
        open: span.ends === null,
      }),
    )
    const dots = lane.moments.map((moment) => ({ at: Date.parse(moment.at), text: moment.text }))
    const [first = [], ...more] = apart(bars)
    const { key, name } = lane
    return [
      { key, name, bars: first, dots },
      ...more.map((each, at) => ({ key: `${key} ${at}`, name, bars: each, dots: [] })),
    ]
  })
}

/** On as few lines as it takes for none to lie over another. */
function apart(bars: readonly Bar[]): Bar[][] {
  const lines: Bar[][] = []
  for (const bar of [...bars].sort((a, b) => a.from - b.from)) {
    const line = lines.find((each) => (each.at(-1)?.to ?? 0) <= bar.from)
    if (line === undefined) lines.push([bar])
    else line.push(bar)
  }
  return lines
}

/** The worst limit that a value breaks. */
function broken(limits: Series['limits'], value: number): Severity | null {
  const found = limits.filter((limit) => (limit.op === 'above' ? value > limit.raise_at : value < limit.raise_at))
  const order: readonly Severity[] = ['critical', 'major', 'minor', 'warning']
  return order.find((severity) => found.some((limit) => limit.severity === severity)) ?? null
}

/** The runs of a signal that is so or isn't, in words; null: it is a quantity. */
export function stripOf(series: Series, word: (value: number | null) => string): Row | null {
  if (series.runs === null) return null
  const bars = series.runs.map((run) => ({
    from: run.begins,
    to: run.ends,
    tone: run.value === null ? ('mixed' as const) : (broken(series.limits, run.value) ?? ('plain' as const)),
    text: word(run.value),
    open: false,
  }))
  return { key: series.metric, name: series.name, bars, dots: [] }
}
