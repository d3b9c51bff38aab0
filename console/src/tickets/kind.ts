/** Tickets as lists show them and the stream tells of them. */

import { api, given, type Severity, type Ticket, taken } from '../api/client.ts'
import type { Kind } from '../feed/kind.ts'
import { severityRank } from '../ui/severity.ts'

export const TICKET_STATES = ['open', 'closed'] as const
export type TicketState = (typeof TICKET_STATES)[number]

/** How long ago an open one was opened; each is in one of them. */
export const AGES = ['hour', 'day', 'week', 'older'] as const

/** What the list of tickets is asked for; what isn't given doesn't matter. */
export interface TicketFilter {
  readonly state: TicketState
  readonly severity?: readonly Severity[] | undefined
  readonly device?: string | undefined
  readonly q?: string | undefined
  /** The account that has it, by its name; `none`: nobody. */
  readonly holder?: string | undefined
  readonly age?: readonly (typeof AGES)[number][] | undefined
  readonly hospital?: number | undefined
  readonly site?: number | undefined
  readonly model?: string | undefined
}

const one = <T>(value: T | undefined): T[] | undefined => (value === undefined ? undefined : [value])

/** A filter as the API takes it. */
export const asked = ({ state, severity, device, q, holder, age, hospital, site, model }: TicketFilter) =>
  given({
    state: [state],
    severity: severity && [...severity],
    age: age && [...age],
    device: one(device),
    holder: one(holder),
    hospital: one(hospital),
    site: one(site),
    model: one(model),
    q,
  })

export const TICKETS: Kind<Ticket, TicketFilter> = {
  name: 'tickets',
  key: (ticket) => ticket.number,
  version: (ticket) => ticket.version,
  ask: (filter, { next, limit, signal }) =>
    taken(api.GET('/api/v1/tickets', { params: { query: { ...asked(filter), ...given({ limit, next }) } }, signal })),
  belongs: (ticket, { state, severity, device, q, holder, age, hospital, site, model }) => {
    if ((ticket.status === 'closed' ? 'closed' : 'open') !== state) return false
    if (severity !== undefined && !severity.includes(ticket.severity)) return false
    if (device !== undefined && ticket.device.id !== device) return false
    if (holder !== undefined && ticket.holder !== (holder === 'none' ? '' : holder)) return false
    if (hospital !== undefined && ticket.hospital.id !== hospital) return false
    if (site !== undefined && ticket.site.id !== site) return false
    if (model !== undefined && ticket.device.model !== model) return false
    return q === undefined && age === undefined ? true : null
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
