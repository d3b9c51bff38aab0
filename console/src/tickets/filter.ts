import { id, oneOf, searchOf, someOf, words } from '../ui/fields.ts'
import { SEVERITIES } from '../ui/severity.ts'
import { AGES, TICKET_STATES, type TicketFilter } from './kind.ts'

/** What the address of the list of tickets says. */
export const ticketSearch = searchOf({
  state: oneOf(TICKET_STATES),
  severity: someOf(SEVERITIES),
  age: someOf(AGES),
  holder: words(),
  hospital: id(),
  site: id(),
  model: words(),
  q: words(),
})
export type TicketSearch = ReturnType<typeof ticketSearch>

/** No filter: what leaves something out of the list. */
export const NO_FILTERS = {
  severity: undefined,
  age: undefined,
  holder: undefined,
  hospital: undefined,
  site: undefined,
  model: undefined,
  q: undefined,
}

export const isFiltered = (search: TicketSearch): boolean =>
  Object.keys(NO_FILTERS).some((name) => search[name as keyof TicketSearch] !== undefined)

export const filterOf = ({ state = 'open', ...rest }: TicketSearch): TicketFilter => ({ state, ...rest })
