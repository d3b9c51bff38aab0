import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device } from '../api/client.ts'
import { useHeld } from '../list/useHeld.ts'
import { Age, Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Panel } from '../ui/panel.tsx'
import { href, type Route } from '../ui/route.ts'
import { Facts } from './facts.tsx'
import { devicesQuery } from './queries.ts'
import { doubt, place, summary } from './summary.ts'
import './devices.css'

function DeviceRow({ device, current }: { device: Device; current: boolean }) {
  const { t } = useTranslation()
  const { stale } = useLive()
  const ill = !stale && summary(device) === 'ill'
  const doubted = doubt(device)
  return (
    <a
      className={`row device ${ill ? 'row-ill' : ''}`}
      href={href({ at: 'device', id: device.id })}
      aria-current={current ? 'true' : undefined}
    >
      <span className="row-head">
        <b className="name">{device.name}</b>
        <span className="muted">
          {device.last_seen === null ? t('devices.neverHeard') : <Age at={device.last_seen} />}
        </span>
      </span>
      <span className="row-sub muted">{device.model_name}</span>
      <Facts device={device} />
      {device.open_alerts + device.open_tickets === 0 && doubted === null ? null : (
        <span className="counts">
          {doubted === null ? null : <span title={device.healthy.text}>{t(doubted)}</span>}
          {device.open_alerts > 0 ? <span>{t('devices.alerts', { count: device.open_alerts })}</span> : null}
          {device.open_tickets > 0 ? <span>{t('devices.tickets', { count: device.open_tickets })}</span> : null}
        </span>
      )}
    </a>
  )
}

export function Devices({ route }: { route: Route }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const may = useMay('devices.manage')
  const [search, setSearch] = useState('')
  const [abnormal, setAbnormal] = useState(false)
  const wanted = useDeferredValue(search.trim().toLocaleLowerCase())
  const query = useQuery({ ...devicesQuery(language), enabled: begun })
  const all = query.data?.items ?? []
  const matching = all
    .filter((device) => !abnormal || summary(device) !== 'well')
    .filter((device) =>
      [device.name, device.hospital.name, device.site.name, device.model_name, device.serial].some((text) =>
        text.toLocaleLowerCase().includes(wanted),
      ),
    )
    .sort(
      (one, other) =>
        place(one).localeCompare(place(other), language) ||
        one.name.localeCompare(other.name, language, { numeric: true }),
    )
  const { rows, ref } = useHeld(matching, (device) => device.id, `${wanted}|${abnormal}`)
  return (
    <Panel
      id="devices"
      title={t('devices.title')}
      count={query.data === undefined ? null : all.length}
      query={query}
      tools={
        <label className="tick">
          <input type="checkbox" checked={abnormal} onChange={(event) => setAbnormal(event.target.checked)} />
          {t('devices.abnormal')}
        </label>
      }
    >
      <input
        type="search"
        className="search"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        placeholder={t('devices.search')}
        aria-label={t('devices.search')}
      />
      {query.data === undefined ? (
        query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={6} />
        )
      ) : null}
      {query.data !== undefined && rows.length === 0 ? (
        <p className="empty">
          {t(all.length === 0 ? 'devices.empty' : 'devices.none')}
          {all.length === 0 && may ? <span className="todo">{t('devices.register')}</span> : null}
        </p>
      ) : null}
      <ul className="rows" ref={ref}>
        {rows.map(({ key, item }, at) => {
          const before = rows[at - 1]
          return (
            <li key={key}>
              {before === undefined || place(before.item) !== place(item) ? (
                <h3 className="place">{place(item)}</h3>
              ) : null}
              <DeviceRow device={item} current={route.at === 'device' && route.id === key} />
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}
