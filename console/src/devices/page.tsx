import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type DeviceDetail, Failure } from '../api/client.ts'
import { SignalChart } from '../chart/signal.tsx'
import { Age, Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { Detail } from '../ui/detail.tsx'
import { Title } from '../ui/main.tsx'
import { number, symbol } from '../words/format.ts'
import { Doubts, ForeignUnits, Gaps } from './doubts.tsx'
import { Facts } from './facts.tsx'
import { deviceQuery } from './queries.ts'
import { Refusals } from './refusals.tsx'
import { deviceRoute } from './routes.ts'
import { place } from './summary.ts'
import './devices.css'
import './words.ts'

export function DevicePage() {
  const { id } = deviceRoute.useParams()
  const { signal } = deviceRoute.useSearch()
  return <DeviceView key={id} id={id} metric={signal ?? null} />
}

function DeviceView({ id, metric }: { id: string; metric: string | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const query = useQuery(deviceQuery(language, id))
  if (query.data === undefined) {
    const missing = query.error instanceof Failure && (query.error.status === 404 || query.error.code === 'invalid')
    return (
      <Detail title={id} list="/devices" query={query}>
        <Title>{id}</Title>
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
    <Detail title={device.name} list="/devices" query={query}>
      <header className="detail-head">
        <Title>{device.name}</Title>
        <p className="muted">{place(device)}</p>
        <Facts device={device} />
        {device.healthy.value === true ? null : <p className="counts">{device.healthy.text}</p>}
        <Doubts device={device} />
      </header>
      {device.tickets.length === 0 ? null : (
        <p>
          {t('devices.page.tickets')}：
          {device.tickets.map((each) => (
            <Link key={each} className="number link" to="/tickets/$number" params={{ number: each }}>
              {each}
            </Link>
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
                <Link
                  to="/devices/$id"
                  params={{ id: device.id }}
                  search={(search) => ({ ...search, signal: value.metric })}
                  title={t('devices.page.chart')}
                >
                  {value.name}
                </Link>
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
