import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device } from '../api/client.ts'
import { devicesQuery } from '../api/queries.ts'
import { useHeld } from '../list/useHeld.ts'
import { Age, Failed, Skeleton, useLanguage } from './bits.tsx'
import { useLive } from './context.tsx'
import { Panel } from './panel.tsx'
import { href, type Route } from './route.ts'

type FactName = 'connected' | 'fresh' | 'healthy'
const FACTS: readonly FactName[] = ['connected', 'fresh', 'healthy']

/** How a device is, in one word: what of it is abnormal counts, and an unknown is never well. */
export function summary(device: Device): 'well' | 'ill' | 'unknown' {
  if (device.healthy.value === false) return 'ill'
  return FACTS.every((name) => device[name].value === true) ? 'well' : 'unknown'
}

/** Why nobody can tell how it is, though it is heard: a few words for the list. */
const DOUBTS = {
  'facts-refused': 'devices.refuses',
  'equipment-out-of-reach': 'devices.outOfReach',
  'alerts-in-doubt': 'devices.doubted',
} as const

function doubt(device: Device): (typeof DOUBTS)[keyof typeof DOUBTS] | null {
  const reason = device.healthy.reason
  return reason in DOUBTS ? DOUBTS[reason as keyof typeof DOUBTS] : null
}

function Sign({ value }: { value: boolean | null }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="12"
      height="12"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
      aria-hidden="true"
    >
      {value === true ? <path d="m3 8.5 3.5 3.5L13 4.5" /> : null}
      {value === false ? <path d="m3.5 3.5 9 9m0-9-9 9" /> : null}
      {value === null ? <circle cx="8" cy="8" r="5" strokeDasharray="3 2.6" /> : null}
    </svg>
  )
}

/** The three facts, each with a shape and a word. While the feed is dead none of them is known. */
export function Facts({ device }: { device: Device }) {
  const { t } = useTranslation()
  const { stale } = useLive()
  return (
    <ul className="facts">
      {FACTS.map((name) => {
        const fact = device[name]
        const value = stale ? null : fact.value
        const word = value === null ? t('fact.unknown') : t(`fact.${name}${value ? 'Yes' : 'No'}`)
        return (
          <li
            key={name}
            className={`fact fact-${value === null ? 'unknown' : value ? 'yes' : 'no'}`}
            title={stale ? t('fact.nowUnknown', { text: fact.text }) : fact.text}
          >
            <span className="fact-name">{t(`fact.${name}`)}</span> <Sign value={value} />
            <span>{word}</span>
          </li>
        )
      })}
    </ul>
  )
}

function DeviceRow({ device, current }: { device: Device; current: boolean }) {
  const { t } = useTranslation()
  const { stale } = useLive()
  const ill = !stale && summary(device) === 'ill'
  const doubted = doubt(device)
  return (
    <a
      className={`row device ${ill ? 'row-ill' : ''}`}
      href={href({ at: 'device', id: device.id, metric: null })}
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
        <p className="empty">{all.length === 0 ? t('devices.empty') : t('devices.none')}</p>
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

export const place = (thing: { hospital: { name: string }; site: { name: string } }): string =>
  `${thing.hospital.name} · ${thing.site.name}`
