import { useQuery } from '@tanstack/react-query'
import { Link, type LinkProps, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { Age, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Name, placeOf } from '../ui/name.tsx'
import { Split } from '../ui/split.tsx'
import { doubt } from './doubt.ts'
import type { DeviceSearch } from './filter.ts'
import { useFacets } from './filters.tsx'
import { DEVICES } from './kind.ts'
import { countQuery } from './queries.ts'
import { devicesRoute } from './routes.ts'
import { summary } from './summary.ts'
import './devices.css'
import './words.ts'

export function DevicesPage() {
  const { t } = useTranslation()
  return <Split title={t('devices.title')} list={<Devices />} />
}

const link = (device: Device): LinkProps => ({ to: '/devices/$id', params: { id: device.id }, search: true as never })
const look = (device: Device) => `device ${summary(device) === 'ill' ? 'row-ill' : ''}`
const lookStale = () => 'device'

function Devices() {
  const { t } = useTranslation()
  const { stale } = useLive()
  const may = useMay('devices.manage')
  const search = devicesRoute.useSearch()
  const navigate = useNavigate({ from: devicesRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const list = useList(DEVICES, search)
  const { begun } = useLive()
  const { data: counted } = useQuery({ ...countQuery(useLanguage(), search), enabled: begun })
  const { rows, ref } = useHeld(list.rows, DEVICES.key, JSON.stringify([search, list.turning]))
  const ask = (change: Partial<DeviceSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const columns = useColumns()
  return (
    <Panel
      id="devices"
      title={t('devices.title')}
      list={list}
      total={counted?.total ?? null}
      filtered={Object.values(search).some((value) => value !== undefined)}
      onClear={() => ask({ q: undefined, how: undefined, hospital: undefined, site: undefined, model: undefined })}
      tools={
        may ? (
          <Link className="button" to="/devices/new">
            {t('devices.add')}
          </Link>
        ) : null
      }
      empty={
        <>
          {t('devices.empty')}
          {may ? (
            <Link className="button" to="/devices/new">
              {t('devices.add')}
            </Link>
          ) : null}
        </>
      }
      filters={<Search value={search.q ?? ''} onChange={(q) => ask({ q: q || undefined })} hint={t('devices.hint')} />}
      facets={useFacets(search, ask)}
    >
      <Grid
        label={t('devices.title')}
        columns={columns}
        main="name"
        rows={rows}
        link={link}
        look={stale ? lookStale : look}
        group={placeOf}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
        hold={ref}
      />
    </Panel>
  )
}

/** A number below its column's name; on a card it has the name beside it. */
function Count({ word, of }: { word: string; of: number }) {
  if (of === 0) return null
  return (
    <>
      <span className="card-only">{word} </span>
      {of}
    </>
  )
}

function useColumns(): readonly Column<Device>[] {
  const { t } = useTranslation()
  const { stale } = useLive()
  return useMemo(
    () => [
      {
        id: 'name',
        head: t('devices.column.name'),
        width: 'minmax(0, 2fr)',
        cell: ({ name }) => <Name of={name} />,
      },
      {
        id: 'model',
        head: t('devices.column.model'),
        width: 'minmax(0, 2fr)',
        from: 700,
        cell: (device) => device.model_name,
      },
      {
        id: 'how',
        head: t('devices.column.how'),
        width: 'minmax(0, 2fr)',
        cell: (device) => {
          const doubted = doubt(device)
          const how = stale ? 'unknown' : summary(device)
          return (
            <span className={`how how-${how}`}>
              {t(`devices.how.${how}`)}
              {doubted === null || stale ? null : <span className="muted"> {t(doubted)}</span>}
            </span>
          )
        },
      },
      {
        id: 'alerts',
        head: t('devices.column.alerts'),
        width: '64px',
        figure: true,
        from: 800,
        cell: ({ open_alerts }) => <Count word={t('devices.column.alerts')} of={open_alerts} />,
      },
      {
        id: 'tickets',
        head: t('devices.column.tickets'),
        width: '64px',
        figure: true,
        from: 800,
        cell: ({ open_tickets }) => <Count word={t('devices.column.tickets')} of={open_tickets} />,
      },
      {
        id: 'heard',
        head: t('devices.column.heard'),
        width: '96px',
        figure: true,
        // When exactly, its page says: of ten thousand that is a megabyte a minute.
        cell: ({ last_seen, fresh }) => {
          if (last_seen === null) return t('devices.neverHeard')
          return fresh.value === true && !stale ? t('devices.heardLately') : <Age at={last_seen} />
        },
      },
    ],
    [t, stale],
  )
}
