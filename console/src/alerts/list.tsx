import { type LinkProps, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { Age, Choice, SeverityMark } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { Split } from '../ui/split.tsx'
import { say } from '../ui/toasts.tsx'
import { waits } from './alert.ts'
import { lastAcknowledged, useAcknowledging } from './deeds.ts'
import type { AlertSearch } from './filter.ts'
import { ALERT_STATES, ALERTS, type AlertFilter } from './kind.ts'
import { alertsRoute } from './routes.ts'
import { AcknowledgeBox, AlertDoings } from './row.tsx'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

export function AlertsPage() {
  const { t } = useTranslation()
  return <Split title={t('alerts.title')} list={<Alerts />} />
}

const link = (alert: Alert): LinkProps => {
  const number = alert.tickets.at(-1)
  return number === undefined
    ? { to: '/devices/$id', params: { id: alert.device.id } }
    : { to: '/tickets/$number', params: { number } }
}

const look = (alert: Alert): string => `alert ${waits(alert) ? `edge-${alert.severity}` : 'calm'}`

function Alerts() {
  const { t } = useTranslation()
  const search = alertsRoute.useSearch()
  const navigate = useNavigate({ from: alertsRoute.fullPath })
  const { acknowledge, undo } = useAcknowledging()
  const may = useMay('alerts.handle')
  const [chosen, setChosen] = useChosen()
  const [writing, setWriting] = useState<string | null>(null)
  const filter: AlertFilter = useMemo(() => ({ ...search, state: search.state ?? 'open' }), [search])
  const list = useList(ALERTS, filter)
  const { rows, waiting, ref, release } = useHeld(list.rows, ALERTS.key, JSON.stringify(filter))
  const worst = waiting[0]?.severity
  const selected = rows.find((row) => row.key === chosen)?.item ?? null
  const ask = (change: Partial<AlertSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  useKeys({
    n: release,
    a: () => {
      if (!may) return
      if (selected === null) say(t('alerts.said.choose'))
      else if (waits(selected)) setWriting(selected.id)
    },
    u: () => {
      if (!may) return
      const alert = selected !== null && !waits(selected) ? selected : lastAcknowledged()
      if (alert === null) say(t('alerts.said.nothing'))
      else undo(alert)
    },
  })
  const columns = useColumns()
  return (
    <Panel
      id="alerts"
      title={t('alerts.title')}
      list={list}
      total={null}
      filtered={search.q !== undefined || search.severity !== undefined}
      onClear={() => ask({ q: undefined, severity: undefined })}
      empty={t(`alerts.empty.${filter.state}`)}
      tools={
        <Choice
          label={t('ui.show')}
          value={filter.state}
          onChange={(state) => ask({ state })}
          options={ALERT_STATES.map((state) => [state, t(`alerts.${state}`)])}
        />
      }
      filters={<Search value={search.q ?? ''} onChange={(q) => ask({ q: q || undefined })} hint={t('alerts.hint')} />}
    >
      <div className="waiting" aria-live="polite">
        {worst === undefined ? null : (
          <button type="button" onClick={release} className={`fresh severity-${worst}`}>
            ↑ {t('alerts.waitingWorst', { count: waiting.length, severity: t(`ui.severity.${worst}`) })} <kbd>n</kbd>
          </button>
        )}
      </div>
      <Grid
        label={t('alerts.title')}
        columns={columns}
        main="what"
        rows={rows}
        link={link}
        look={look}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
        hold={ref}
        below={(alert) => (
          <AlertDoings alert={alert}>
            {writing === alert.id && waits(alert) ? (
              <AcknowledgeBox
                alert={alert}
                onSend={(note) => {
                  acknowledge(alert, note)
                  setWriting(null)
                }}
                onCancel={() => setWriting(null)}
              />
            ) : null}
          </AlertDoings>
        )}
      />
    </Panel>
  )
}

function useColumns(): readonly Column<Alert>[] {
  const { t } = useTranslation()
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
        cell: (alert) => <span className="said">{alert.message.text}</span>,
      },
      {
        id: 'device',
        head: t('alerts.column.device'),
        width: 'minmax(0, 2fr)',
        cell: ({ device }) => <bdi className="name">{device.name}</bdi>,
      },
      {
        id: 'who',
        head: t('alerts.column.who'),
        width: 'minmax(0, 1fr)',
        from: 800,
        cell: ({ operator }) => (operator.state === 'acknowledged' ? operator.actor || t('people.former') : ''),
      },
      {
        id: 'age',
        head: t('alerts.column.age'),
        width: '84px',
        figure: true,
        cell: ({ occurred_at }) => <Age at={occurred_at} />,
      },
    ],
    [t],
  )
}
