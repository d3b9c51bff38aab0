import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { Choice, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Split } from '../ui/split.tsx'
import { linkOf, lookOf, useColumns } from './columns.tsx'
import { type AlertSearch, filterOf, isFiltered, NO_FILTERS, ofGroups } from './filter.ts'
import { useFacets } from './filters.tsx'
import { RowDoings } from './handling.tsx'
import { ALERT_STATES, ALERTS } from './kind.ts'
import { flat, grouped, type Line } from './lines.ts'
import { Picked, usePicking } from './picking.tsx'
import { countQuery } from './queries.ts'
import { alertsRoute } from './routes.ts'
import './alerts.css'
import './words.ts'
import '../ui/words.ts'

export function AlertsPage() {
  const { t } = useTranslation()
  return <Split title={t('alerts.title')} list={<Alerts />} />
}

function Alerts() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const search = alertsRoute.useSearch()
  const navigate = useNavigate({ from: alertsRoute.fullPath })
  const may = useMay('alerts.handle')
  const [chosen, setChosen] = useChosen()
  const [writing, setWriting] = useState<string | null>(null)
  const { group, open } = search
  const filter = useMemo(() => filterOf(search), [search])
  const shown = useMemo(() => ofGroups(filter, search), [filter, search])
  const counted = useQuery({ ...countQuery(language, filter, group), enabled: begun })
  const list = useList(ALERTS, shown)
  const lines = useMemo(
    () => (group === undefined ? flat(list.rows) : grouped(counted.data?.groups ?? [], open ?? [], list.rows, group)),
    [group, open, list.rows, counted.data],
  )
  // Another list begins anew, also when its rows come only later.
  const scope = JSON.stringify([shown, group, list.turning])
  const { rows, waiting, ref, release } = useHeld(lines, (line) => line.key, scope)
  const picking = usePicking({ rows, chosen, release, may, onWrite: setWriting })
  const fresh = waiting.flatMap((line) => (line.is === 'alert' ? [line.alert] : []))
  const worst = fresh[0]?.severity
  const ask = useCallback(
    (change: Partial<AlertSearch>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true }),
    [navigate],
  )
  const columns = useColumns()
  const below = useCallback(
    (line: Line) =>
      line.is === 'group' ? null : (
        <RowDoings alert={line.alert} writing={writing === line.key} onDone={() => setWriting(null)} />
      ),
    [writing],
  )
  const total = counted.data?.exact ? counted.data.total : null
  return (
    <Panel
      id="alerts"
      title={t('alerts.title')}
      list={list}
      total={total}
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
      facets={useFacets(search, ask)}
    >
      <div className="waiting" aria-live="polite">
        {worst === undefined ? null : (
          <button type="button" onClick={release} className={`fresh severity-${worst}`}>
            ↑ {t('alerts.waitingWorst', { count: fresh.length, severity: t(`ui.severity.${worst}`) })} <kbd>n</kbd>
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
        total={total ?? undefined}
        picked={may ? picking.picked : undefined}
        onPicked={may ? picking.pick : undefined}
        below={below}
      />
    </Panel>
  )
}
