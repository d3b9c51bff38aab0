/** Tickets as lists show them and the stream tells of them. */

import { api, given, type Severity, type Ticket, taken } from '../api/client.ts'
import type { Kind } from '../feed/kind.ts'
import { severityRank } from '../ui/severity.ts'

export const TICKET_STATES = ['open', 'closed'] as const
export type TicketState = (typeof TICKET_STATES)[number]

/** What the list of tickets is asked for; what isn't given doesn't matter. */
export interface TicketFilter {
  readonly state: TicketState
  readonly severity?: readonly Severity[] | undefined
  readonly device?: string | undefined
  readonly q?: string | undefined
  /** The account that has it, by its name; `none`: nobody. */
  readonly holder?: string | undefined
}

export const TICKETS: Kind<Ticket, TicketFilter> = {
  name: 'tickets',
  key: (ticket) => ticket.number,
  version: (ticket) => ticket.version,
  ask: ({ state, severity, device, q, holder }, { next, limit, signal }) => {
    const query = given({
      state: [state],
      severity: severity && [...severity],
      device: device === undefined ? undefined : [device],
      holder: holder === undefined ? undefined : [holder],
      q,
      limit,
      next,
    })
    return taken(api.GET('/api/v1/tickets', { params: { query }, signal }))
  },
  belongs: (ticket, { state, severity, device, q, holder }) => {
    if ((ticket.status === 'closed' ? 'closed' : 'open') !== state) return false
    if (severity !== undefined && !severity.includes(ticket.severity)) return false
    if (device !== undefined && ticket.device.id !== device) return false
    if (holder !== undefined && ticket.holder !== (holder === 'none' ? '' : holder)) return false
    return q === undefined ? true : null
  },
  enters: () => false,
  compare: ({ state }) =>
    state === 'closed'
      ? (one, other) => other.id - one.id
      : (one, other) =>
          severityRank(one.severity) - severityRank(other.severity) ||
          Date.parse(one.opened_at) - Date.parse(other.opened_at) ||
          one.id - other.id,
  events: { ticket: (ticket: Ticket) => [{ key: ticket.number, item: ticket }] },
  shownBy: (change) => [
    ['ticket', change.key],
    ...('item' in change ? [['device', change.item.device.id] as const] : []),
  ],
}
