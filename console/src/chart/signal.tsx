import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Series } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import { Failed, useDuration, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { clock, moment, number } from '../words/format.ts'
import { Figure } from './figure.tsx'
import type { Looking } from './gestures.ts'
import { kept, seen } from './kept.ts'
import { stripOf } from './lanes.ts'
import { Occurrences } from './occurrences.tsx'
import { type About, csv, type Drawn, newest, occurrencesOf, prepare } from './prepare.ts'
import { evidenceQuery, seriesQuery } from './queries.ts'
import { quantity } from './say.ts'
import { Table } from './table.tsx'
import { Tracks } from './tracks.tsx'
import type { Range, Span } from './view.ts'
import './chart.css'
import './words.ts'
import '../ui/words.ts'

const Plot = lazy(() => import('./plot.tsx'))
const POINTS = 500

interface Props {
  readonly device: string
  readonly metric: string
  readonly span: Span
  readonly about: About | null
  /** Whose copy stands in where the readings themselves are gone. */
  readonly ticket: string | null
  readonly looking: (range: Range) => Looking
}

/** A signal's curve, its points, or, of what is so or isn't, its strip. */
export function Signal({ device, metric, span, about, ticket, looking }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const query = useQuery({ ...seriesQuery(language, device, metric, span, POINTS), placeholderData: keepPreviousData })
  const told = query.data !== undefined && query.data.metric === metric && about !== null ? query.data : null
  const gone = ticket !== null && told !== null && !seen(told, about?.at ?? 0)
  const copy = useQuery({ ...evidenceQuery(language, ticket ?? ''), enabled: gone })
  const found = query.data
  const series = useMemo(
    () => (found === undefined ? undefined : kept(found, gone ? copy.data : undefined)),
    [found, gone, copy.data],
  )
  if (series === undefined)
    return query.isError ? (
      <Failed error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <p className="plot-space">{t('chart.loading')}</p>
    )
  const range = 'from' in span ? span : { from: Date.parse(series.begins), to: Date.parse(series.ends) }
  const shown = { series, about, old: query.isError || series.metric !== metric, looking: looking(range) }
  return (
    <>
      {series.runs === null ? <Curve key={`${metric} ${series.per_event}`} {...shown} /> : <Strip {...shown} />}
      {series === query.data ? null : <p className="muted">{t('chart.kept')}</p>}
    </>
  )
}

interface Shown {
  readonly series: Series
  readonly about: About | null
  readonly old: boolean
  readonly looking: Looking
}

function Curve({ series, about, old, looking }: Shown) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { stale } = useLive()
  const drawn = useMemo(() => prepare(series), [series])
  const occurrences = useMemo(() => occurrencesOf(series, about), [series, about])
  const [pointed, setPointed] = useState<number | null>(null)
  const cursor = pointed === null || pointed >= series.points.t.length ? null : pointed
  const say = (value: number | null | undefined) => quantity(value, series, language)
  const when = (ms: number) => moment(ms, serverNow(), language)
  const label = t('chart.summary', {
    name: series.name,
    from: when(looking.range.from),
    to: when(looking.range.to),
    lo: say(drawn.lo),
    hi: say(drawn.hi),
    last: say(drawn.last?.value),
  })
  const caption = useCaption(series, drawn, when)
  const empty = drawn.last === null && drawn.bad === 0
  const step = (by: number) => {
    const last = series.points.t.length - 1
    setPointed(Math.min(Math.max((cursor ?? newest(series.points.avg)) + by, 0), Math.max(last, 0)))
  }
  return (
    <Figure
      label={label}
      looking={{ ...looking, onStep: step }}
      old={stale || old}
      caption={
        empty ? null : (
          <>
            <span className="readout" aria-live={cursor === null ? 'off' : 'polite'}>
              {readout(series, cursor, { t: t as unknown as Words['t'], say, when })}
            </span>
            <span className="muted">{caption}</span>
          </>
        )
      }
      below={
        <>
          <Occurrences found={occurrences} when={when} />
          <Table
            head={[t('chart.time'), t('chart.lo'), t('chart.mean'), t('chart.hi')]}
            rows={() =>
              series.points.t.map((time, at) => {
                const { lo, avg, hi } = series.points
                return [String(time), [when(time), say(lo[at]), say(avg[at]), say(hi[at])]]
              })
            }
            csv={() => ({ name: `${series.device} ${series.metric}.csv`, text: csv(series) })}
          />
        </>
      }
    >
      {empty ? (
        <p className="plot-space">{t('chart.empty')}</p>
      ) : (
        <Suspense fallback={<p className="plot-space">{t('chart.loading')}</p>}>
          <Plot
            drawn={drawn}
            occurrences={occurrences}
            unit={series.symbol}
            language={language}
            limitWords={(limit) => {
              const short = t(`chart.limit.${limit.op}`, {
                value: say(limit.raise_at),
                severity: t(`ui.severity.${limit.severity}`),
              })
              return [`${limit.title} ${short}`, short]
            }}
            mainWords={(seconds) => `${t('chart.fault')} ${clock(seconds * 1_000, language)}`}
            number={(value) => number(value, language, 4)}
            cursor={cursor}
            onCursor={setPointed}
            looking={looking}
          />
        </Suspense>
      )}
    </Figure>
  )
}

function useCaption(series: Series, drawn: Drawn, when: (ms: number) => string): string {
  const { t } = useTranslation()
  const duration = useDuration()
  const said: string[] = [t(`chart.${series.resolution}`)]
  if (series.width_s > 0)
    said.push(t('chart.bin', { width: duration(series.width_s * 1_000) }), `${t('chart.mean')}, ${t('chart.band')}`)
  if (series.per_event) said.push(t('chart.event'))
  if (series.set !== null && drawn.set.length > 0) said.push(t('chart.asked', { name: series.set.name }))
  if (drawn.gaps.length > 0) said.push(t('chart.gap'))
  if (drawn.bad > 0) said.push(t('chart.bad', { count: drawn.bad }))
  if (drawn.last !== null) said.push(t('chart.until', { time: when(drawn.last.at) }))
  return said.join(' · ')
}

interface Words {
  /** Untyped: with as many words as there are, the compiler gives up on a `t` that is handed on. */
  readonly t: (key: string, told: object) => string
  readonly say: (value: number | null | undefined) => string
  readonly when: (ms: number) => string
}

function readout(series: Series, cursor: number | null, { t, say, when }: Words): string {
  const at = cursor ?? newest(series.points.avg)
  const { t: times, lo, avg, hi } = series.points
  const time = times[at]
  if (time === undefined) return ''
  const value = avg[at]
  if (value === null || value === undefined) return t('chart.nothingAt', { time: when(time) })
  const told = { time: when(time), value: say(value), lo: say(lo[at]), hi: say(hi[at]) }
  const asked = series.set?.value[series.set.t.indexOf(time)]
  const beside =
    asked === null || asked === undefined
      ? ''
      : t('chart.pointAsked', { name: series.set?.name ?? '', value: say(asked) })
  return (series.width_s > 0 && lo[at] !== hi[at] ? t('chart.pointBand', told) : t('chart.point', told)) + beside
}

/** What is so or isn't: a strip with its words, no axis from 0 to 1. */
function Strip({ series, about, old, looking }: Shown) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { stale } = useLive()
  const when = (ms: number) => moment(ms, serverNow(), language)
  const word = (value: number | null) =>
    value === null ? t('chart.both') : (series.states.find((state) => state.value === value)?.text ?? String(value))
  const row = stripOf(series, word)
  const drawn = useMemo(() => prepare(series), [series])
  const occurrences = useMemo(() => occurrencesOf(series, about), [series, about])
  const caption = useCaption(series, drawn, when)
  if (row === null) return null
  const last = row.bars.at(-1)
  const label = t('chart.stripSummary', {
    name: series.name,
    from: when(looking.range.from),
    to: when(looking.range.to),
    last: last?.text ?? t('chart.empty'),
  })
  return (
    <Figure
      label={label}
      looking={looking}
      old={stale || old}
      caption={
        last === undefined ? null : (
          <>
            <span className="readout">{t('chart.point', { time: when(last.to), value: last.text })}</span>
            <span className="muted">{caption}</span>
          </>
        )
      }
      below={
        <>
          <Occurrences found={occurrences} when={when} />
          <Table
            head={[t('chart.time'), t('chart.ends'), series.name]}
            rows={() => row.bars.map((bar) => [String(bar.from), [when(bar.from), when(bar.to), bar.text]])}
            csv={() => ({ name: `${series.device} ${series.metric}.csv`, text: csv(series) })}
          />
        </>
      }
    >
      {last === undefined ? (
        <p className="plot-space">{t('chart.empty')}</p>
      ) : (
        <Tracks
          rows={[row]}
          looking={looking}
          fault={about?.at ?? null}
          unheard={drawn.gaps.map(([from, to]) => ({ from: from * 1_000, to: to * 1_000 }))}
        />
      )}
    </Figure>
  )
}
