import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { type DeviceDetail, Failure } from '../api/client.ts'
import { SignalChart } from '../chart/signal.tsx'
import { Age, Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { Detail } from '../ui/detail.tsx'
import { href } from '../ui/route.ts'
import { number, symbol } from '../words/format.ts'
import { Doubts, ForeignUnits, Gaps } from './doubts.tsx'
import { Facts } from './facts.tsx'
import { deviceQuery } from './queries.ts'
import { Refusals } from './refusals.tsx'
import { place } from './summary.ts'
import './devices.css'

export function DeviceView({ id, metric }: { id: string; metric: string | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const query = useQuery(deviceQuery(language, id))
  if (query.data === undefined) {
    const missing = query.error instanceof Failure && (query.error.status === 404 || query.error.code === 'invalid')
    return (
      <Detail title={id} query={query}>
        {missing ? (
          <p className="empty">{t('devices.page.notFound')}</p>
        ) : query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={8} />
        )}
      </Detail>
    )
  }
  const device = query.data
  const first = metric ?? device.latest[0]?.metric
  return (
    <Detail title={device.name} query={query}>
      <header className="detail-head">
        <h2>{device.name}</h2>
        <p className="muted">{place(device)}</p>
        <Facts device={device} />
        {device.healthy.value === true ? null : <p className="counts">{device.healthy.text}</p>}
        <Doubts device={device} />
      </header>
      {device.tickets.length === 0 ? null : (
        <p>
          {t('devices.page.tickets')}：
          {device.tickets.map((each) => (
            <a key={each} className="number link" href={href({ at: 'ticket', id: each })}>
              {each}
            </a>
          ))}
        </p>
      )}
      {first === undefined ? null : (
        <SignalChart key={`${id} ${first}`} device={id} metrics={device.latest} first={first} fault={null} />
      )}
      <Signals device={device} metric={first ?? null} />
      <ForeignUnits units={device.foreign_units} />
      <Gaps gaps={device.gaps} />
      <Refusals device={device} />
      <Inventory device={device} />
    </Detail>
  )
}

function Signals({ device, metric }: { device: DeviceDetail; metric: string | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (device.latest.length === 0) return <p className="empty">{t('devices.page.noSignals')}</p>
  return (
    <section aria-labelledby="signals">
      <h3 id="signals">{t('devices.page.signals')}</h3>
      <table className="signals">
        <thead>
          <tr>
            <th scope="col">{t('devices.page.signal')}</th>
            <th scope="col" className="figure">
              {t('devices.page.value')}
            </th>
            <th scope="col" className="figure">
              {t('devices.page.age')}
            </th>
          </tr>
        </thead>
        <tbody>
          {device.latest.map((value) => (
            <tr key={value.metric} data-current={value.metric === metric}>
              <th scope="row">
                <a href={href({ at: 'device', id: device.id, part: value.metric })} title={t('devices.page.chart')}>
                  {value.name}
                </a>
              </th>
              <td className="figure value">
                {number(value.value, language)} {symbol(value.unit)}
                {value.quality === 'good' ? null : (
                  <span className="badge">{t(`devices.page.quality.${value.quality}`)}</span>
                )}
              </td>
              <td className="figure muted">
                <Age at={value.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Inventory({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const rows: (readonly [string, string])[] = [
    [t('devices.page.model'), device.model_name],
    [t('devices.page.serial'), device.serial],
    [t('devices.page.department'), device.department],
    [t('devices.page.dealer'), device.dealer.name],
    [t('devices.page.agent'), device.heartbeat?.agent ?? ''],
    ...Object.entries(device.inventory).map(([name, value]) => [name, String(value)] as const),
  ]
  return (
    <section aria-labelledby="inventory">
      <h3 id="inventory">{t('devices.page.inventory')}</h3>
      <dl className="pairs">
        {rows
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  )
}
