/** What is open of a device: its alerts and its tickets. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { DeviceDetail } from '../api/client.ts'
import { Age, SeverityMark, useLanguage } from '../ui/bits.tsx'
import styles from './page.module.css'
import { alertsQuery } from './queries.ts'
import './words.ts'

export function Work({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const alerts = useQuery({ ...alertsQuery(language, device.id), enabled: device.open_alerts > 0 })
  if (device.open_alerts === 0 && device.tickets.length === 0) return null
  const items = device.open_alerts === 0 ? [] : (alerts.data?.items ?? [])
  return (
    <section aria-labelledby="work">
      <h3 id="work">{t('devices.page.work')}</h3>
      {device.tickets.length === 0 ? null : (
        <p>
          <span className="muted">{t('devices.page.tickets')}</span>{' '}
          {device.tickets.map((each) => (
            <Link key={each} className="number link" to="/tickets/$number" params={{ number: each }}>
              {each}
            </Link>
          ))}
        </p>
      )}
      <ul className={styles.alerts}>
        {items.map((alert) => (
          <li key={alert.id}>
            <SeverityMark severity={alert.severity} />
            <Link to="/alerts/$id" params={{ id: alert.id }}>
              {alert.title.text}
            </Link>
            <span className="muted">
              <Age at={alert.occurred_at} />
            </span>
          </li>
        ))}
      </ul>
      {device.open_alerts > items.length && items.length > 0 ? (
        <p className="muted">{t('devices.page.moreAlerts', { count: device.open_alerts - items.length })}</p>
      ) : null}
    </section>
  )
}
