import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type DeviceDetail, Failure } from '../api/client.ts'
import { Picture } from '../chart/picture.tsx'
import { Failed, Moment, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Title } from '../ui/main.tsx'
import { Place } from '../ui/name.tsx'
import { About, BoxAndClock, Service } from './about.tsx'
import { CollectedList, Signals } from './collected.tsx'
import { Doubts, ForeignUnits, Gaps } from './doubts.tsx'
import { Facts } from './facts.tsx'
import styles from './page.module.css'
import { deviceQuery } from './queries.ts'
import { Refusals } from './refusals.tsx'
import { deviceRoute } from './routes.ts'
import { Work } from './work.tsx'
import './devices.css'
import './words.ts'

export function DevicePage() {
  const { id } = deviceRoute.useParams()
  return <DeviceView key={id} id={id} />
}

function DeviceView({ id }: { id: string }) {
  const view = deviceRoute.useSearch()
  const navigate = deviceRoute.useNavigate()
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const query = useQuery({ ...deviceQuery(language, id), enabled: begun })
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
  const first = view.signal ?? device.latest[0]?.metric
  return (
    <Detail title={device.name} list="/devices" query={query}>
      <header className="detail-head">
        <Title>
          <bdi>{device.name}</bdi>
        </Title>
        <p className="muted">
          <Place of={device} /> · {device.model_name}
        </p>
        <Facts device={device} />
        {device.healthy.value === true ? null : <p className="counts">{device.healthy.text}</p>}
        <Doubts device={device} />
        {device.retired_at === null ? null : (
          <p>
            {t('devices.page.retired')} <Moment at={device.retired_at} /> · <bdi>{device.retired_reason}</bdi>
          </p>
        )}
        <Tools device={device} />
      </header>
      <Work device={device} />
      {first === undefined ? null : (
        <Picture
          device={id}
          metrics={device.latest}
          fitting={[first]}
          fault={null}
          view={view}
          onView={(next) => void navigate({ search: (search) => ({ ...search, ...next }), replace: true })}
        />
      )}
      <Signals device={device} metric={first ?? null} />
      <ForeignUnits units={device.foreign_units} />
      <Gaps gaps={device.gaps} />
      <Refusals device={device} />
      <CollectedList id={id} />
      <BoxAndClock device={device} />
      <Service id={id} />
      <About device={device} />
    </Detail>
  )
}

/** What can be done with it from here. */
function Tools({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const manage = useMay('devices.manage')
  const report = useMay('faults.report')
  return (
    <p className={styles.head}>
      {report && device.status === 'active' ? (
        <Link className="button" to="/devices/$id/report" params={{ id: device.id }}>
          {t('devices.page.report')}
        </Link>
      ) : null}
      {manage ? (
        <Link className="button" to="/devices/$id/change" params={{ id: device.id }}>
          {t('devices.page.change')}
        </Link>
      ) : null}
    </p>
  )
}
