/** The parts of an alert's page that tell of figures and of what was before. */

import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { actorOf } from '../people/actor.ts'
import { Moment, useDuration, useNow } from '../ui/bits.tsx'
import { type AlertDetail, lasted } from './alert.ts'
import styles from './page.module.css'
import './words.ts'
import '../people/words.ts'
import '../tickets/words.ts'

type Earlier = AlertDetail['earlier']['items'][number]

/** By what a limit was broken, and for how long. */
export function Figures({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const duration = useDuration()
  const now = useNow()
  const figures: (readonly [string, string])[] = []
  if (alert.figures !== null) {
    const { value_text, limit_text, clear_text, op, for_s } = alert.figures
    figures.push(
      [t('alerts.page.worst'), value_text],
      [t(`alerts.page.limit.${op}`), limit_text],
      [t('alerts.page.clear'), clear_text],
    )
    if (for_s > 0) figures.push([t('alerts.page.held'), duration(for_s * 1_000)])
  }
  figures.push([
    t(alert.cleared_at === null ? 'alerts.page.lasts' : 'alerts.page.lastedFor'),
    duration(lasted(alert, now)),
  ])
  return (
    <dl className={styles.figures}>
      {figures.map(([name, said]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{said}</dd>
        </div>
      ))}
    </dl>
  )
}

/** The same on this device before, and what was done then. */
export function Before({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const duration = useDuration()
  const now = useNow()
  const { count, items } = alert.earlier
  if (count === 0) return <p>{t('alerts.page.first')}</p>
  const measured = alert.figures !== null
  return (
    <>
      <p>{t('alerts.page.earlier', { count })}</p>
      <div className="scroll">
        <table className={styles.before}>
          <thead>
            <tr>
              <th scope="col">{t('alerts.page.when')}</th>
              <th scope="col" className="figure">
                {t('alerts.page.howLong')}
              </th>
              {measured ? (
                <th scope="col" className="figure">
                  {t('alerts.page.worst')}
                </th>
              ) : null}
              <th scope="col">{t('alerts.page.helped')}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <Link to="/alerts/$id" params={{ id: one.id }} search={(search) => search as never}>
                    <Moment at={one.occurred_at} />
                  </Link>
                  {one.count > 1 ? ` ${t('alerts.times', { count: one.count })}` : ''}
                </th>
                <td className="figure">{duration(lasted(one, now))}</td>
                {measured ? <td className="figure">{one.value_text ?? '–'}</td> : null}
                <td>
                  <Done tickets={one.tickets} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {count > items.length ? <p className="muted">{t('alerts.page.newest', { count: items.length })}</p> : null}
    </>
  )
}

function Done({ tickets }: { tickets: Earlier['tickets'] }) {
  const { t } = useTranslation()
  if (tickets.length === 0) return <span className="muted">{t('alerts.page.noTicket')}</span>
  return (
    <ul>
      {tickets.map(({ number, status, ended }) => (
        <li key={number}>
          {ended === null ? (
            t(`tickets.status.${status}`)
          ) : (
            <>
              {t(`alerts.page.ended.${ended.event}`)}
              {ended.note === '' ? '' : `：${ended.note}`}
            </>
          )}{' '}
          <Link className="number link" to="/tickets/$number" params={{ number }}>
            {number}
          </Link>
        </li>
      ))}
    </ul>
  )
}

/** The same at others' devices. */
export function Elsewhere({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const { days, devices, episodes } = alert.elsewhere
  return (
    <p className="muted">
      {devices === 0
        ? t('alerts.page.nowhere', { days })
        : t('alerts.page.elsewhere', { days, devices, times: t('alerts.times', { count: episodes }), count: devices })}
    </p>
  )
}

/** All that happened to it, with what people noted. */
export function History({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const by = (event: AlertDetail['events'][number]) => {
    const actor = actorOf(event)
    return typeof actor === 'string' ? t(actor) : actor.name
  }
  return (
    <section aria-labelledby="alert-history">
      <h3 id="alert-history">{t('alerts.page.history')}</h3>
      <ul className="lines">
        {alert.events.map((event) => (
          <li key={event.id}>
            <Moment at={event.at} /> <span>{event.message.text}</span>
            {event.note === '' ? null : <q className={styles.note}>{event.note}</q>}{' '}
            <span className="muted">{by(event)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
