import { queryOptions } from '@tanstack/react-query'
import { api, type Ticket, type TicketDetail, taken } from '../api/client.ts'
import { given, journal, LOOK_AGAIN_MS, MOST_ROWS, pages } from '../api/reading.ts'
import { mergeTicket } from '../feed/merge.ts'
import type { Language } from '../words/i18n.ts'

export const TICKET_STATES = ['open', 'closed'] as const
export type TicketState = (typeof TICKET_STATES)[number]

export const ticketsQuery = (lang: Language, state: TicketState) =>
  queryOptions({
    queryKey: ['tickets', lang, state],
    queryFn: async ({ signal }) => {
      const mark = journal.mark()
      const list = await pages<Ticket>(state === 'closed' ? 1 : MOST_ROWS, (next) =>
        taken(api.GET('/api/v1/tickets', { params: { query: { state, ...given(next) } }, signal })),
      )
      return journal
        .since(mark)
        .reduce((now, told) => (told.type === 'ticket' ? mergeTicket(now, state, told.ticket) : now), list)
    },
  })

export const ticketQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['ticket', lang, number],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/tickets/{number}', { params: { path: { number } }, signal })),
    // The stream tells what happens to it; only what is still to come of itself is asked for.
    refetchInterval: ({ state: { data } }) => (data !== undefined && unsettled(data) ? LOOK_AGAIN_MS : false),
  })

/** Whether evidence or a diagnosis is still to come. */
function unsettled(ticket: TicketDetail): boolean {
  return ticket.evidence.frozen_at === null || ticket.diagnostics.some((run) => run.status === 'waiting')
}
