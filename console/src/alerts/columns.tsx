/** What a row of alerts shows, in one line. */

import type { LinkProps } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Age, SeverityMark, useLanguage } from '../ui/bits.tsx'
import { number } from '../words/format.ts'
import { waits } from './alert.ts'
import './words.ts'
import '../people/words.ts'

/** Where a row leads; the list's filters stay in the address. */
export const linkOf = (alert: Alert): LinkProps => ({
  to: '/alerts/$id',
  params: { id: alert.id },
  search: true as never,
})

/** What nobody has stands out; what somebody has, or what is over, is calm. */
export const lookOf = (alert: Alert): string =>
  `alert ${waits(alert) && alert.condition !== 'ok' ? `edge-${alert.severity}` : 'calm'}`

export function useColumns(): readonly Column<Alert>[] {
  const { t } = useTranslation()
  const language = useLanguage()
  return useMemo(
    () => [
      {
        id: 'severity',
        head: t('alerts.column.severity'),
        width: '72px',
        cell: ({ severity }) => <SeverityMark severity={severity} />,
      },
      {
        id: 'what',
        head: t('alerts.column.what'),
        width: 'minmax(0, 3fr)',
        cell: (alert) => <span className="said">{alert.title.text}</span>,
      },
      {
        id: 'value',
        head: t('alerts.column.value'),
        width: '92px',
        from: 900,
        figure: true,
        cell: ({ value_text }) => value_text ?? '',
      },
      {
        id: 'device',
        head: t('alerts.column.device'),
        width: 'minmax(0, 2fr)',
        cell: ({ device }) => <bdi className="name">{device.name}</bdi>,
      },
      {
        id: 'age',
        head: t('alerts.column.age'),
        width: '84px',
        figure: true,
        cell: ({ occurred_at }) => <Age at={occurred_at} />,
      },
      {
        id: 'count',
        head: t('alerts.column.count'),
        width: '52px',
        from: 1_000,
        figure: true,
        cell: ({ count }) => (count > 1 ? `× ${number(count, language)}` : ''),
      },
      {
        id: 'who',
        head: t('alerts.column.who'),
        width: 'minmax(0, 1fr)',
        from: 680,
        cell: (alert) => (waits(alert) ? '' : `✓ ${alert.operator.actor || t('people.former')}`),
      },
      {
        id: 'ticket',
        head: t('alerts.column.ticket'),
        width: '136px',
        from: 1_100,
        cell: ({ tickets }) => <span className="number">{tickets.at(-1) ?? ''}</span>,
      },
    ],
    [t, language],
  )
}
