import { useMemo, useState } from 'react'
import type { Severity } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import type { Looking } from './gestures.ts'
import { Signal } from './signal.tsx'
import { Timeline } from './timeline.tsx'
import { type Named, Tools } from './tools.tsx'
import { bounded, chosen, LASTS, type Range, spanOf, TIMELINE, type View } from './view.ts'

/** What a picture is about, in ms; `from` to `to` is what belongs to it. */
export interface Fault extends Range {
  readonly at: number
  readonly severity: Severity
  /** Of its alert: of which other occurrences are shown too. */
  readonly rule?: string | undefined
}

interface Props {
  readonly device: string
  /** What may be chosen. */
  readonly metrics: readonly Named[]
  /** The signals that tell of the fault, the best first. Where there is none, the timeline does. */
  readonly fitting: readonly string[]
  readonly fault: Fault | null
  readonly ticket?: string | null
  /** Where the address keeps it; otherwise the picture does. `onView` gets all four fields. */
  readonly view?: View
  readonly onView?: (view: View) => void
}

/** A picture of a device over time: of a fault, a curve of what fits it, else what happened. */
export function Picture({ device, metrics, fitting, fault, ticket = null, ...kept }: Props) {
  const [own, setOwn] = useState<View>({})
  const view = kept.onView === undefined ? own : (kept.view ?? {})
  const onView = kept.onView ?? setOwn
  const named = new Map(metrics.map((each) => [each.metric, each]))
  const fits = fitting.flatMap((metric) => named.get(metric) ?? [])
  const signal = view.signal ?? fits[0]?.metric ?? TIMELINE
  const span = spanOf(view, fault)
  const [at, severity, rule] = [fault?.at, fault?.severity, fault?.rule]
  const about = useMemo(
    () => (at === undefined || severity === undefined ? null : { at, severity, rule }),
    [at, severity, rule],
  )
  const usual = chosen(view, fault) !== 'own'
  const looking = (range: Range): Looking => ({
    range,
    own: !usual,
    onRange: (asked) => {
      const { from, to } = asked === null ? { from: undefined, to: undefined } : bounded(asked, serverNow() + MARGIN)
      onView({ signal: view.signal, last: asked === null ? view.last : undefined, from, to })
    },
  })
  const shown = 'from' in span ? span : { from: serverNow() - span.last, to: serverNow() }
  const others = metrics.filter((each) => !fits.includes(each))
  if (signal !== TIMELINE && !named.has(signal)) others.push({ metric: signal, name: signal })
  return (
    <div className="chart">
      <Tools
        signal={signal}
        fitting={fits}
        others={others}
        view={view}
        around={fault}
        range={shown}
        onView={(next) => onView({ signal: next.signal, last: next.last, from: next.from, to: next.to })}
      />
      {signal === TIMELINE ? (
        <Timeline device={device} span={span} fault={at ?? null} looking={looking} />
      ) : (
        <Signal device={device} metric={signal} span={span} about={about} ticket={ticket} looking={looking} />
      )}
    </div>
  )
}

/** A picture may reach a little beyond now: what is at its edge is seen better. */
const MARGIN = LASTS.hour / 6
