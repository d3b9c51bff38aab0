/** An alert: what it means, why it is, what to do, and what became of the ones before. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Failure } from '../api/client.ts'
import { Picture } from '../chart/picture.tsx'
import { deviceQuery } from '../devices/queries.ts'
import { place } from '../devices/summary.ts'
import { serverNow } from '../feed/server-time.ts'
import { Helped } from '../tickets/told.tsx'
import { Age, Failed, SeverityMark, Skeleton, useDuration, useLanguage, useNow } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Title } from '../ui/main.tsx'
import { zoneName } from '../words/format.ts'
import { type AlertDetail, lasted } from './alert.ts'
import { Handling } from './handling.tsx'
import styles from './page.module.css'
import { Before, Elsewhere, Figures, History } from './parts.tsx'
import { alertQuery } from './queries.ts'
import { alertRoute } from './routes.ts'
import './words.ts'
import '../ui/words.ts'

/** The platform's own codes: that nobody else published them tells nothing. */
const GENERIC = 'generic'

export function AlertPage() {
  const { id } = alertRoute.useParams()
  return <AlertView key={id} id={id} />
}

function AlertView({ id }: { id: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const query = useQuery({ ...alertQuery(language, id), enabled: begun })
  if (query.data === undefined) {
    const missing = query.error instanceof Failure && (query.error.status === 404 || query.error.code === 'invalid')
    return (
      <Detail title={t('alerts.page.title')} list="/alerts" query={query}>
        <Title>{t('alerts.page.title')}</Title>
        {missing ? (
          <p className="empty">{t('alerts.page.notFound')}</p>
        ) : query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={8} />
        )}
      </Detail>
    )
  }
  const alert = query.data
  return (
    <Detail title={alert.title.text} list="/alerts" query={query}>
      <Head alert={alert} />
      <Handling alert={alert} />
      <dl className={styles.gist}>
        {alert.stops === null ? null : (
          <div className={styles.stops}>
            <dt>{t('alerts.page.stops')}</dt>
            <dd>{alert.stops}</dd>
          </div>
        )}
        {alert.advice === null ? null : (
          <div>
            <dt>{t('alerts.page.advice')}</dt>
            <dd>{alert.advice}</dd>
          </div>
        )}
      </dl>
      <section aria-labelledby="alert-why">
        <h3 id="alert-why">{t('alerts.page.why')}</h3>
        <p>{alert.meaning}</p>
        {alert.source === null || alert.source === GENERIC ? null : (
          <p className={`muted ${styles.source}`}>{t('alerts.page.source', { source: alert.source })}</p>
        )}
        <Figures alert={alert} />
        <Signal alert={alert} />
      </section>
      {alert.causes.length === 0 ? null : (
        <section aria-labelledby="alert-causes">
          <h3 id="alert-causes">{t('alerts.page.causes')}</h3>
          <ol className={styles.causes}>
            {alert.causes.map((cause) => (
              <li key={cause}>{cause}</li>
            ))}
          </ol>
        </section>
      )}
      <section aria-labelledby="alert-before">
        <h3 id="alert-before">{t('alerts.page.before')}</h3>
        <Before alert={alert} />
        <Elsewhere alert={alert} />
      </section>
      <Helped family={alert.family} device={alert.device} />
      <History alert={alert} />
      <p className="muted zone">{t('ui.zone', { zone: zoneName(serverNow(), language) })}</p>
    </Detail>
  )
}

function Head({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const duration = useDuration()
  const now = useNow()
  return (
    <header className="detail-head">
      <p className="row-head">
        <SeverityMark severity={alert.severity} />
        <span className="badge">{t(alert.raised ? `alerts.condition.${alert.condition}` : 'alerts.page.watched')}</span>
        <span className="badge">{alert.family_name}</span>
        {alert.count > 1 ? <span>{t('alerts.times', { count: alert.count })}</span> : null}
        {alert.tickets.map((number) => (
          <Link key={number} className="number link" to="/tickets/$number" params={{ number }}>
            {t('alerts.ticket', { number })}
          </Link>
        ))}
      </p>
      <Title>{alert.title.text}</Title>
      <p className="muted">
        <Link to="/devices/$id" params={{ id: alert.device.id }}>
          <bdi>{alert.device.name}</bdi>
        </Link>{' '}
        · {place(alert)}
      </p>
      <p className="muted">
        {t('alerts.page.since')} <Age at={alert.occurred_at} />
        {alert.cleared_at === null ? null : ` · ${t('alerts.page.lasted', { age: duration(lasted(alert, now)) })}`}
      </p>
    </header>
  )
}

/** The signal that shows it, around it. */
function Signal({ alert }: { alert: AlertDetail }) {
  const language = useLanguage()
  const device = useQuery(deviceQuery(language, alert.device.id))
  const view = alertRoute.useSearch()
  const navigate = alertRoute.useNavigate()
  if (device.data === undefined) return null
  const fault = {
    at: Date.parse(alert.occurred_at),
    severity: alert.severity,
    rule: alert.rule,
    from: Date.parse(alert.picture.begins),
    to: Math.ceil(Date.parse(alert.picture.ends) / 10_000) * 10_000,
  }
  return (
    <Picture
      device={alert.device.id}
      metrics={device.data.latest}
      fitting={alert.picture.fitting}
      fault={fault}
      view={view}
      onView={(next) => void navigate({ search: (search) => ({ ...search, ...next }), replace: true })}
    />
  )
}
