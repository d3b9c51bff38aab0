/** What happened: the ticket's alerts, what was done with it, who was told. */

import { useTranslation } from 'react-i18next'
import type { TicketDetail } from '../api/client.ts'
import { actorOf } from '../people/actor.ts'
import { Moment, SeverityMark, useDuration } from '../ui/bits.tsx'
import '../alerts/words.ts'
import '../desk/words.ts'
import './words.ts'

export function TicketAlerts({ alerts }: { alerts: TicketDetail['alerts'] }) {
  const { t } = useTranslation()
  const duration = useDuration()
  if (alerts.length === 0) return null
  return (
    <section aria-labelledby="its-alerts">
      <h3 id="its-alerts">{t('tickets.page.alerts')}</h3>
      <ul className="lines">
        {alerts.map((alert) => (
          <li key={alert.id}>
            <SeverityMark severity={alert.severity} /> <span>{alert.message.text}</span>{' '}
            <span className="muted">
              {t(`alerts.condition.${alert.condition}`)} · <Moment at={alert.occurred_at} />
              {alert.cleared_at === null
                ? ''
                : ` (${duration(Date.parse(alert.cleared_at) - Date.parse(alert.occurred_at))})`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

export function History({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const by = (event: TicketDetail['events'][number]) => {
    const actor = actorOf(event)
    return typeof actor === 'string' ? t(actor) : actor.name
  }
  return (
    <section aria-labelledby="history">
      <h3 id="history">{t('tickets.page.history')}</h3>
      <ul className="lines">
        {ticket.events.map((event) => (
          <li key={event.id}>
            <Moment at={event.at} />{' '}
            <span>
              {event.message.text}
              {noteOf(event)}
            </span>{' '}
            <span className="muted">{by(event)}</span>
          </li>
        ))}
        {ticket.told.map((told) => (
          <li key={`${told.recipient} ${told.step}`}>
            {told.told_at === null ? null : <Moment at={told.told_at} />}{' '}
            <span>
              {t(`desk.told.${told.state}`)}：{told.recipient}
            </span>{' '}
            <span className="muted">{told.error}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What somebody wrote with it; the sentence itself doesn't repeat it. */
function noteOf(event: TicketDetail['events'][number]): string {
  const { note } = event.message.params
  return typeof note === 'string' && note !== '' && !event.message.text.includes(note) ? `：${note}` : ''
}
