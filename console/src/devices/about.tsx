/** What a device is, beside how it is: its register, its box, its clock, who serves it, where it was before. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { DeviceDetail } from '../api/client.ts'
import { Moment, useDuration } from '../ui/bits.tsx'
import { serviceQuery } from './queries.ts'
import './words.ts'

/** The workstation's clock against the platform's, in ms: of those agents that tell it. */
const OFFSET = 'host.clock_offset'

export function About({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const rows: (readonly [string, ReactNode])[] = [
    [t('devices.page.model'), device.model_name],
    [t('devices.page.serial'), <bdi key="s">{device.serial}</bdi>],
    [t('devices.page.department'), <bdi key="d">{device.department}</bdi>],
    [t('devices.register.asset_number'), <bdi key="a">{device.asset_number}</bdi>],
    [t('devices.register.registration_number'), <bdi key="r">{device.registration_number}</bdi>],
    [t('devices.register.udi'), <code key="u">{device.udi}</code>],
    [t('devices.register.made_on'), device.made_on],
    [t('devices.register.in_use_since'), device.in_use_since],
    [t('devices.register.use_until'), device.use_until],
    [t('devices.page.agent'), device.heartbeat?.agent ?? ''],
    [t('devices.page.added'), <Moment key="m" at={device.created_at} />],
    ...Object.entries(device.inventory).map(([name, value]) => [name, <bdi key={name}>{String(value)}</bdi>] as const),
  ]
  return (
    <section aria-labelledby="inventory">
      <h3 id="inventory">{t('devices.page.inventory')}</h3>
      <Pairs rows={rows} />
      {device.former === null ? null : <Other of={device.former} words={t('devices.page.former')} />}
      {device.later === null ? null : <Other of={device.later} words={t('devices.page.later')} />}
    </section>
  )
}

function Other({ of, words }: { of: { id: string; name: string }; words: string }) {
  return (
    <p>
      <span className="muted">{words}</span>{' '}
      <Link to="/devices/$id" params={{ id: of.id }}>
        <bdi>{of.name}</bdi>
      </Link>
    </p>
  )
}

const EMPTY = (value: ReactNode): boolean =>
  value === null ||
  value === '' ||
  (typeof value === 'object' && 'props' in value && (value.props as { children?: unknown }).children === '')

function Pairs({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="pairs">
      {rows
        .filter(([, value]) => !EMPTY(value))
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** The box that the agent runs on, and its clock. */
export function BoxAndClock({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const duration = useDuration()
  const { box } = device
  const told = device.latest.find(({ metric }) => metric === OFFSET)?.value
  const offset = told === undefined || told === null ? device.clock_offset_s : -told / 1_000
  const clock =
    offset === null
      ? t('devices.clock.unknown')
      : Math.abs(offset) < 1
        ? t('devices.clock.right')
        : t(offset > 0 ? 'devices.clock.behind' : 'devices.clock.ahead', { by: duration(Math.abs(offset) * 1_000) })
  return (
    <section aria-labelledby="box">
      <h3 id="box">{t('devices.box.title')}</h3>
      <p>
        <span className="muted">{t('devices.clock.title')}</span> {clock}
        {device.clock_wrong_since === null ? null : (
          <>
            {' '}
            · {t('devices.clock.since')} <Moment at={device.clock_wrong_since} />
          </>
        )}
      </p>
      {box === null ? (
        <p className="muted">{t('devices.box.none')}</p>
      ) : (
        <>
          <p>
            <code>{box.id}</code>
            <span className="muted">
              {' '}
              · {t('devices.box.first')} <Moment at={box.first_seen} /> · {t('devices.box.last')}{' '}
              <Moment at={box.last_seen} />
            </span>
          </p>
          {box.devices.length === 0 ? null : (
            <p>
              <span className="muted">{t('devices.box.others')}</span>{' '}
              {box.devices.map((other) => (
                <Link key={other.id} className="link" to="/devices/$id" params={{ id: other.id }}>
                  <bdi>{other.name}</bdi>
                </Link>
              ))}
            </p>
          )}
        </>
      )}
    </section>
  )
}

/** Who serves it, who did, who is to. */
export function Service({ id }: { id: string }) {
  const { t } = useTranslation()
  const { data } = useQuery(serviceQuery(id))
  if (data === undefined) return null
  return (
    <section aria-labelledby="service">
      <h3 id="service">{t('devices.service.title')}</h3>
      <ul className="lines">
        {[...data.history].reverse().map((time) => (
          <li key={time.since}>
            <bdi>{time.dealer.name}</bdi>{' '}
            <span className="muted">
              {t('devices.service.since')} <Moment at={time.since} />
              {time.until === null ? null : (
                <>
                  {' '}
                  {t('devices.service.until')} <Moment at={time.until} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
      {data.planned === null ? null : (
        <p>
          <strong>
            {t('devices.service.planned')} <bdi>{data.planned.dealer.name}</bdi>
          </strong>{' '}
          <span className="muted">
            {t('devices.service.from')} <Moment at={data.planned.due_at} /> · {t('devices.service.by')}{' '}
            <bdi>{data.planned.asked_by}</bdi>
          </span>
        </p>
      )}
    </section>
  )
}
