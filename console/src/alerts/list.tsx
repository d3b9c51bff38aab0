import { useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { Choice } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { Split } from '../ui/split.tsx'
import { waits } from './alert.ts'
import { linkOf, lookOf, useColumns } from './columns.tsx'
import { useAcknowledging } from './deeds.ts'
import { type AlertSearch, isFiltered, NO_FILTERS } from './filter.ts'
import { AcknowledgeBox, AlertDoings } from './handling.tsx'
import { ALERT_STATES, ALERTS, type AlertFilter } from './kind.ts'
import { Picked, usePicking } from './picking.tsx'
import { alertsRoute } from './routes.ts'
import './alerts.css'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

export function AlertsPage() {
  const { t } = useTranslation()
  return <Split title={t('alerts.title')} list={<Alerts />} />
}

function Alerts() {
  const { t } = useTranslation()
  const search = alertsRoute.useSearch()
  const navigate = useNavigate({ from: alertsRoute.fullPath })
  const { acknowledge } = useAcknowledging()
  const may = useMay('alerts.handle')
  const [chosen, setChosen] = useChosen()
  const [writing, setWriting] = useState<string | null>(null)
  const filter: AlertFilter = useMemo(() => ({ ...search, state: search.state ?? 'open' }), [search])
  const list = useList(ALERTS, filter)
  const { rows, waiting, ref, release } = useHeld(list.rows, ALERTS.key, JSON.stringify(filter))
  const picking = usePicking({ rows, chosen, release, may, onWrite: setWriting })
  const worst = waiting[0]?.severity
  const ask = (change: Partial<AlertSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const columns = useColumns()
  return (
    <Panel
      id="alerts"
      title={t('alerts.title')}
      list={list}
      total={null}
      filtered={isFiltered(search)}
      onClear={() => ask(NO_FILTERS)}
      empty={t(`alerts.empty.${filter.state}`)}
      tools={
        <Choice
          label={t('alerts.state.label')}
          value={filter.state}
          onChange={(state) => ask({ state })}
          options={ALERT_STATES.map((state) => [state, t(`alerts.state.${state}`)])}
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
      <Picked picking={picking} />
      <Grid
        label={t('alerts.title')}
        columns={columns}
        main="what"
        rows={rows}
        link={linkOf}
        look={lookOf}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
        hold={ref}
        picked={may ? picking.picked : undefined}
        onPicked={may ? picking.pick : undefined}
        below={(alert) => (
          <AlertDoings alert={alert}>
            {writing === alert.id && waits(alert) ? (
              <AcknowledgeBox
                draft={alert.id}
                send={t('alerts.send')}
                onSend={(note) => {
                  acknowledge([alert], note)
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
