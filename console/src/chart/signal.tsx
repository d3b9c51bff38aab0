import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Series, Severity } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import { Choice, Failed, useDuration, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { clock, moment, number, symbol } from '../words/format.ts'
import { kept, seen } from './kept.ts'
import type { Mark } from './plot.tsx'
import { type Drawn, newest, prepare } from './prepare.ts'
import { evidenceQuery, type Span, seriesQuery } from './queries.ts'
import './chart.css'
import './words.ts'
import '../ui/words.ts'

const Plot = lazy(() => import('./plot.tsx'))

type Range = 'around' | 'hour' | 'day' | 'week' | 'month'
const HOUR = 3_600_000
const LASTS: Record<Exclude<Range, 'around'>, number> = {
  hour: HOUR,
  day: 24 * HOUR,
  week: 168 * HOUR,
  month: 720 * HOUR,
}
const POINTS = 400

export interface Fault {
  readonly at: number
  readonly severity: Severity
  /** What belongs to the picture, in ms. */
  readonly from: number
  readonly to: number
}

interface Named {
  readonly metric: string
  readonly name: string
}

/** A signal's chart. `metrics`: what may be chosen; `fault`: around which to look first; `ticket`: whose copy stands in where the
 * readings themselves are gone. */
export function SignalChart(props: {
  device: string
  metrics: readonly Named[]
  first: string
  fault: Fault | null
  ticket?: string | null
}) {
  const { t } = useTranslation()
  const language = useLanguage()
  const [picked, setPicked] = useState<string | null>(null)
  const [range, setRange] = useState<Range>(props.fault === null ? 'hour' : 'around')
  const { fault, device } = props
  const metric = picked ?? props.first
  const span: Span =
    range === 'around' && fault !== null
      ? { from: fault.from, to: fault.to }
      : { last: LASTS[range === 'around' ? 'hour' : range] }
  const query = useQuery({ ...seriesQuery(language, device, metric, span, POINTS), placeholderData: keepPreviousData })
  const ticket = range === 'around' ? (props.ticket ?? null) : null
  const told = query.data !== undefined && query.data.metric === metric && fault !== null ? query.data : null
  const gone = ticket !== null && told !== null && !seen(told, fault?.at ?? 0)
  const copy = useQuery({ ...evidenceQuery(language, ticket ?? ''), enabled: gone })
  const series = query.data === undefined ? undefined : kept(query.data, gone ? copy.data : undefined)
  const ranges: (readonly [Range, string])[] = [
    ['hour', t('chart.hour')],
    ['day', t('chart.day')],
    ['week', t('chart.week')],
    ['month', t('chart.month')],
  ]
  if (fault !== null) ranges.unshift(['around', t('chart.around')])
  return (
    <div className="chart">
      <div className="chart-tools">
        <select value={metric} aria-label={t('chart.signal')} onChange={(event) => setPicked(event.target.value)}>
          {props.metrics.some((each) => each.metric === metric) ? null : (
            <option value={metric}>{query.data?.name ?? metric}</option>
          )}
          {props.metrics.map((each) => (
            <option key={each.metric} value={each.metric}>
              {each.name}
            </option>
          ))}
        </select>
        <Choice label={t('chart.range')} value={range} onChange={setRange} options={ranges} />
      </div>
      {series === undefined ? (
        query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <p className="plot-space">{t('chart.loading')}</p>
        )
      ) : (
        <>
          <Curve series={series} fault={fault} old={query.isError || series.metric !== metric} />
          {series === query.data ? null : <p className="muted">{t('chart.kept')}</p>}
        </>
      )}
    </div>
  )
}

function Curve({ series, fault, old }: { series: Series; fault: Fault | null; old: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { stale } = useLive()
  const duration = useDuration()
  const drawn = useMemo(() => prepare(series), [series])
  const [cursor, setCursor] = useState<number | null>(null)
  const unit = symbol(series.unit)
  const say = (value: number | null | undefined) => number(value, language, 4)
  const when = (ms: number) => moment(ms, serverNow(), language)
  const marks = marksOf(series, fault, t('chart.fault'), (ms) => clock(ms, language))
  const rolled = series.width_s > 0
  const label = t('chart.summary', {
    name: series.name,
    from: when(Date.parse(series.begins)),
    to: when(Date.parse(series.ends)),
    lo: say(drawn.lo),
    hi: say(drawn.hi),
    last: say(drawn.last?.value),
    unit,
  })
  if (drawn.last === null && drawn.bad === 0) return <p className="plot-space empty">{t('chart.empty')}</p>
  return (
    <figure className={stale || old ? 'is-stale' : ''}>
      <Suspense fallback={<p className="plot-space">{t('chart.loading')}</p>}>
        <Plot
          key={drawn.regular ? 'line' : 'points'}
          drawn={drawn}
          from={Date.parse(series.begins) / 1_000}
          to={Date.parse(series.ends) / 1_000}
          marks={marks}
          limitWords={(value, severity) =>
            t('chart.limit', { value: say(value), severity: t(`ui.severity.${severity as Severity}`) })
          }
          time={(seconds, spanS) => axisTime(seconds * 1_000, spanS, language)}
          number={(value) => number(value, language, 4)}
          onCursor={setCursor}
          label={label}
        />
      </Suspense>
      <figcaption>
        <span className="readout">{readout(series, drawn, cursor, { t, say, when, unit })}</span>
        <span className="muted">
          {t(`chart.${series.resolution}`)}
          {rolled
            ? ` · ${t('chart.bin', { width: duration(series.width_s * 1_000) })} · ${t('chart.mean')}, ${t('chart.band')}`
            : ''}
          {drawn.gaps.length > 0 ? ` · ${t('chart.gap')}` : ''}
          {drawn.bad > 0 ? ` · ${t('chart.bad', { count: drawn.bad })}` : ''}
          {drawn.last === null ? '' : ` · ${t('chart.until', { time: when(drawn.last.at) })}`}
        </span>
      </figcaption>
      <PointsTable series={series} when={when} say={say} unit={unit} />
    </figure>
  )
}

interface Words {
  readonly t: ReturnType<typeof useTranslation>['t']
  readonly say: (value: number | null | undefined) => string
  readonly when: (ms: number) => string
  readonly unit: string
}

function readout(series: Series, drawn: Drawn, cursor: number | null, { t, say, when, unit }: Words): string {
  const at = cursor ?? newest(series.points.avg)
  const { t: times, lo, avg, hi } = series.points
  const time = times[at]
  if (time === undefined) return ''
  const value = avg[at]
  if (value === null || value === undefined) return t('chart.nothingAt', { time: when(time) })
  const told = { time: when(time), value: say(value), lo: say(lo[at]), hi: say(hi[at]), unit }
  return series.width_s > 0 && drawn.lo !== drawn.hi ? t('chart.pointBand', told) : t('chart.point', told)
}

function marksOf(series: Series, fault: Fault | null, word: string, time: (ms: number) => string): Mark[] {
  const others = series.marks
    .map((mark) => ({ at: Date.parse(mark.begins) / 1_000, label: mark.text, severity: mark.severity, main: false }))
    .filter((mark) => fault === null || Math.abs(mark.at - fault.at / 1_000) > 1)
  if (fault === null) return others
  return [...others, { at: fault.at / 1_000, label: `${word} ${time(fault.at)}`, severity: fault.severity, main: true }]
}

function axisTime(ms: number, spanS: number, language: 'zh' | 'en'): string {
  const long = spanS > 2 * 86_400
  const options: Intl.DateTimeFormatOptions = long
    ? { month: '2-digit', day: '2-digit' }
    : { hour: '2-digit', minute: '2-digit', ...(spanS < 900 ? { second: '2-digit' } : {}) }
  return new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { hourCycle: 'h23', ...options }).format(ms)
}

/** The same as numbers, for who can't see the drawing. */
function PointsTable({ series, when, say, unit }: { series: Series } & Pick<Words, 'when' | 'say' | 'unit'>) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const { t: times, lo, avg, hi } = series.points
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('chart.table')}</summary>
      {open ? (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('chart.time')}</th>
                <th scope="col">{t('chart.lo')}</th>
                <th scope="col">{`${t('chart.mean')} ${unit}`}</th>
                <th scope="col">{t('chart.hi')}</th>
              </tr>
            </thead>
            <tbody>
              {times.map((time, at) => (
                <tr key={time}>
                  <th scope="row">{when(time)}</th>
                  <td>{say(lo[at])}</td>
                  <td>{say(avg[at])}</td>
                  <td>{say(hi[at])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  )
}
