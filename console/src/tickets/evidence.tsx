import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Failure, type TicketDetail } from '../api/client.ts'
import { type Fault, Picture } from '../chart/picture.tsx'
import { deviceQuery } from '../devices/queries.ts'
import { serverNow } from '../feed/server-time.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { ticketRoute } from './routes.ts'
import '../devices/words.ts'
import './words.ts'

const AROUND_MS = 15 * 60_000

/** The chart of what the ticket is about. */
export function Evidence({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const view = ticketRoute.useSearch()
  const navigate = ticketRoute.useNavigate()
  const device = useQuery(deviceQuery(language, ticket.device.id))
  // The ticket is this dealer's own, the device isn't any more.
  if (device.error instanceof Failure && device.error.status === 404)
    return <p className="muted">{t('tickets.page.served')}</p>
  if (device.data === undefined)
    return device.isError ? (
      <Failed error={device.error} onRetry={() => void device.refetch()} />
    ) : (
      <Skeleton rows={4} />
    )
  const { rule, code } = ticket.title.params
  const at = Date.parse(ticket.occurred_at)
  const fault: Fault = {
    at,
    severity: ticket.severity,
    rule: typeof code === 'string' ? `fault:${code}` : String(rule ?? ''),
    // From where there is something to see.
    from: Math.max(Date.parse(ticket.evidence.begins), Date.parse(ticket.evidence.readings[0]?.at ?? '') - 60_000 || 0),
    to: Math.min(Math.max(Date.parse(ticket.evidence.ends), at) + AROUND_MS, Math.max(serverNow(), at + 60_000)),
  }
  return (
    <Picture
      device={ticket.device.id}
      metrics={device.data.latest}
      fitting={ticket.evidence.fitting}
      fault={rounded(fault)}
      ticket={ticket.evidence.frozen_at === null ? null : ticket.number}
      view={view}
      onView={(next) => void navigate({ search: (search) => ({ ...search, ...next }), replace: true })}
    />
  )
}

/** To 10 s, so that a chart which grows isn't another one every moment. */
function rounded(fault: Fault): Fault {
  return { ...fault, to: Math.ceil(fault.to / 10_000) * 10_000 }
}
