import { oneOf, searchOf, someOf, words } from '../ui/fields.ts'
import { SEVERITIES } from '../ui/severity.ts'
import { TICKET_STATES } from './kind.ts'

/** What the address of the list of tickets says. */
export const ticketSearch = searchOf({ state: oneOf(TICKET_STATES), severity: someOf(SEVERITIES), q: words() })
export type TicketSearch = ReturnType<typeof ticketSearch>
