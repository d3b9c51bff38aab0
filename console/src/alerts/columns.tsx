/** What a row of alerts shows, in one line. */

import type { LinkProps } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import type { Column } from '../list/columns.ts'
import { Age, SeverityMark, useLanguage } from '../ui/bits.tsx'
import { number } from '../words/format.ts'
import { waits } from './alert.ts'
import type { AlertSearch } from './filter.ts'
import { type Line, toggled } from './lines.ts'
import { useKnown } from './queries.ts'
import './words.ts'
import '../people/words.ts'

/** Where a row leads; the list's filters stay in the address. A heading opens and closes its group. */
export const linkOf = (line: Line): LinkProps =>
  line.is === 'alert'
    ? { to: '/alerts/$id', params: { id: line.alert.id }, search: true as never }
    : {
        to: '.',
        search: ((now: AlertSearch) => ({ ...now, open: toggled(now.open, line.group.key) })) as never,
        replace: true,
      }

/** What nobody has stands out; what somebody has, or what is over, is calm. */
export const lookOf = (line: Line): string => {
  if (line.is === 'group') return `heading edge-${line.group.worst}`
  const { alert } = line
  return `alert ${waits(alert) && alert.condition !== 'ok' ? `edge-${alert.severity}` : 'calm'}`
}

export function useColumns(): readonly Column<Line>[] {
  const { t } = useTranslation()
  const language = useLanguage()
  return useMemo(() => {
    const of = (cell: (alert: Alert) => ReactNode) => (line: Line) => (line.is === 'alert' ? cell(line.alert) : '')
    return [
      {
        id: 'severity',
        head: t('alerts.column.severity'),
        width: '82px',
        cell: (line) => <SeverityMark severity={line.is === 'alert' ? line.alert.severity : line.group.worst} />,
      },
      {
        id: 'what',
        head: t('alerts.column.what'),
        width: 'minmax(0, 3fr)',
        cell: (line) =>
          line.is === 'alert' ? <span className="said">{line.alert.title.text}</span> : <Heading line={line} />,
      },
      {
        id: 'value',
        head: t('alerts.column.value'),
        width: '92px',
        from: 900,
        figure: true,
        cell: of(({ value_text }) => value_text ?? ''),
      },
      {
        id: 'device',
        head: t('alerts.column.device'),
        width: 'minmax(0, 2fr)',
        cell: of(({ device }) => <bdi className="name">{device.name}</bdi>),
      },
      {
        id: 'place',
        head: t('alerts.column.place'),
        width: 'minmax(0, 2fr)',
        from: 760,
        cell: of((alert) => <bdi>{place(alert)}</bdi>),
      },
      {
        id: 'age',
        head: t('alerts.column.age'),
        width: '84px',
        figure: true,
        cell: (line) => <Age at={line.is === 'alert' ? line.alert.occurred_at : line.group.oldest} />,
      },
      {
        id: 'count',
        head: t('alerts.column.count'),
        width: '52px',
        from: 1_000,
        figure: true,
        cell: of(({ count }) => (count > 1 ? `× ${number(count, language)}` : '')),
      },
      {
        id: 'who',
        head: t('alerts.column.who'),
        width: 'minmax(0, 1fr)',
        from: 680,
        cell: of((alert) => <Holder alert={alert} />),
      },
      {
        id: 'ticket',
        head: t('alerts.column.ticket'),
        width: '136px',
        from: 1_100,
        cell: of(({ tickets }) => <span className="number">{tickets.at(-1) ?? ''}</span>),
      },
    ]
  }, [t, language])
}

function Holder({ alert }: { alert: Alert }) {
  const { t } = useTranslation()
  const known = useKnown(alert)
  return waits(known) ? known.holder : `✓ ${known.operator.actor || t('people.former')}`
}

function Heading({ line: { group, by, open } }: { line: Extract<Line, { is: 'group' }> }) {
  const { t } = useTranslation()
  const name = by === 'ticket' && group.key === 'none' ? t('alerts.noTicket') : group.name
  return (
    <>
      <span aria-hidden="true">{open ? '▾' : '▸'}</span> {t('alerts.several', { count: group.count })} ·{' '}
      {group.place === '' || group.key === 'none' ? null : <bdi>{group.place} · </bdi>}
      <bdi>{name}</bdi>
      <span className="unseen">{t(open ? 'alerts.group.close' : 'alerts.group.open')}</span>
    </>
  )
}
