/** What a picture is of, and of which time. */

import { useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '../feed/server-time.ts'
import { Choice } from '../ui/bits.tsx'
import { bounded, type Choice as Chosen, chosen, LASTS, type Last, type Range, TIMELINE, type View } from './view.ts'
import './words.ts'

export interface Named {
  readonly metric: string
  readonly name: string
}

interface Props {
  readonly signal: string
  readonly fitting: readonly Named[]
  readonly others: readonly Named[]
  readonly view: View
  readonly around: Range | null
  /** What is shown now. */
  readonly range: Range
  readonly onView: (view: View) => void
}

export function Tools({ signal, fitting, others, view, around, range, onView }: Props) {
  const { t } = useTranslation()
  const now = chosen(view, around)
  const [asking, setAsking] = useState(false)
  const ranges: (readonly [Chosen, string])[] = (Object.keys(LASTS) as Last[]).map((last) => [last, t(`chart.${last}`)])
  if (around !== null) ranges.unshift(['around', t('chart.around')])
  ranges.push(['own', t('chart.own')])
  const choose = (range: Chosen) => {
    setAsking(range === 'own')
    if (range === 'own') return
    const last = range === 'around' || (range === 'day' && around === null) ? undefined : range
    onView({ signal: view.signal, last, from: undefined, to: undefined })
  }
  const options = (named: readonly Named[]) =>
    named.map(({ metric, name }) => (
      <option key={metric} value={metric}>
        {name}
      </option>
    ))
  return (
    <div className="chart-tools">
      <select
        value={signal}
        aria-label={t('chart.signal')}
        onChange={(event) => onView({ ...view, signal: event.target.value })}
      >
        <option value={TIMELINE}>{t('chart.timeline')}</option>
        {around === null || fitting.length === 0 ? null : (
          <optgroup label={t('chart.fitting')}>{options(fitting)}</optgroup>
        )}
        {around === null ? (
          options([...fitting, ...others])
        ) : (
          <optgroup label={t('chart.others')}>{options(others)}</optgroup>
        )}
      </select>
      <Choice label={t('chart.range')} value={asking ? 'own' : now} onChange={choose} options={ranges} />
      {asking || now === 'own' ? (
        <Own range={range} onRange={({ from, to }) => onView({ signal: view.signal, last: undefined, from, to })} />
      ) : null}
    </div>
  )
}

/** A range to the second, in the browser's zone. */
function Own({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  const { t } = useTranslation()
  const [from, setFrom] = useState(local(range.from))
  const [to, setTo] = useState(local(range.to))
  const id = useId()
  useEffect(() => {
    setFrom(local(range.from))
    setTo(local(range.to))
  }, [range.from, range.to])
  const [begin, end] = [new Date(from).getTime(), new Date(to).getTime()]
  return (
    <form
      className="own-range"
      onSubmit={(event) => {
        event.preventDefault()
        if (begin < end) onRange(bounded({ from: begin, to: end }, serverNow()))
      }}
    >
      <label htmlFor={`${id}from`}>{t('chart.from')}</label>
      <input
        id={`${id}from`}
        type="datetime-local"
        step={1}
        required
        value={from}
        onChange={(event) => setFrom(event.target.value)}
      />
      <label htmlFor={`${id}to`}>{t('chart.to')}</label>
      <input
        id={`${id}to`}
        type="datetime-local"
        step={1}
        required
        min={from}
        value={to}
        onChange={(event) => setTo(event.target.value)}
      />
      <button type="submit" className="button" disabled={!(begin < end)}>
        {t('chart.show')}
      </button>
    </form>
  )
}

/** As a field of the browser has it: local time without a zone. */
function local(at: number): string {
  const shift = new Date(at).getTimezoneOffset() * 60_000
  return new Date(at - shift).toISOString().slice(0, 19)
}
