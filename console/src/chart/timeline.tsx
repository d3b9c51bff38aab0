import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '../feed/server-time.ts'
import { Failed, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { moment } from '../words/format.ts'
import { Figure } from './figure.tsx'
import type { Looking } from './gestures.ts'
import { rowsOf } from './lanes.ts'
import { timelineQuery } from './queries.ts'
import { Table } from './table.tsx'
import { Tracks } from './tracks.tsx'
import type { Range, Span } from './view.ts'
import './chart.css'
import './words.ts'

interface Props {
  readonly device: string
  readonly span: Span
  /** The moment that it is about, in ms. */
  readonly fault: number | null
  readonly looking: (range: Range) => Looking
}

/** What happened to a device: whether it was heard, what was wrong, its states, its tickets. No curve. */
export function Timeline({ device, span, fault, looking }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { stale } = useLive()
  const query = useQuery({ ...timelineQuery(language, device, span), placeholderData: keepPreviousData })
  const found = query.data
  const rows = useMemo(() => (found === undefined ? [] : rowsOf(found)), [found])
  if (found === undefined)
    return query.isError ? (
      <Failed error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <p className="plot-space">{t('chart.loading')}</p>
    )
  const range = 'from' in span ? span : { from: Date.parse(found.begins), to: Date.parse(found.ends) }
  const when = (ms: number) => moment(ms, serverNow(), language)
  const label = t('chart.timelineSummary', { from: when(range.from), to: when(range.to), count: rows.length })
  const told = rows.flatMap((row) => [
    ...row.bars.map((bar) => ({ row, at: bar.from, text: bar.text, ends: bar.open ? null : bar.to })),
    ...row.dots.map((dot) => ({ row, at: dot.at, text: dot.text, ends: dot.at })),
  ])
  return (
    <Figure
      label={label}
      looking={looking(range)}
      old={stale || query.isError}
      caption={<span className="muted">{found.cut ? t('chart.cut') : ''}</span>}
      below={
        <Table
          head={[t('chart.time'), t('chart.ends'), t('chart.what'), '']}
          rows={() =>
            told
              .sort((a, b) => a.at - b.at)
              .map(({ row, at, ends, text }) => [
                `${row.key} ${at} ${text}`,
                [when(at), ends === null ? t('chart.lasts') : ends === at ? '' : when(ends), row.name, text],
              ])
          }
        />
      }
    >
      {rows.length === 0 ? (
        <p className="plot-space">{t('chart.nothing')}</p>
      ) : (
        <Tracks rows={rows} looking={looking(range)} fault={fault} />
      )}
    </Figure>
  )
}
