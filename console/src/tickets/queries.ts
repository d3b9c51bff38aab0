import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, given, type TicketDetail, taken } from '../api/client.ts'
import { LOOK_AGAIN_MS } from '../api/reading.ts'
import { summaryOf } from '../feed/put.ts'
import type { Language } from '../words/i18n.ts'
import { asked, TICKETS, type TicketFilter } from './kind.ts'

/** How many there are, and in which groups: asked again whenever the stream tells of tickets. */
export const countQuery = (lang: Language, filter: TicketFilter, by?: 'site' | 'model' | 'holder') =>
  queryOptions({
    queryKey: [summaryOf(TICKETS), lang, filter, by] as const,
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/tickets/summary', { params: { query: { ...asked(filter), ...given({ by }) } }, signal })),
    placeholderData: keepPreviousData,
  })

export const ticketQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['ticket', lang, number],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/tickets/{number}', { params: { path: { number } }, signal })),
    // The stream tells what happens to it; only what is still to come of itself is asked for.
    refetchInterval: ({ state: { data } }) => (data !== undefined && unsettled(data) ? LOOK_AGAIN_MS : false),
  })

/** What repaired faults of a family on devices of a model, that the reader sees: the latest. */
export const helpedQuery = (lang: Language, family: string, model: string) =>
  queryOptions({
    queryKey: ['helped', lang, family, model],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/repairs', { params: { query: { family, model, limit: 5 } }, signal })),
  })

/** What a repair of a ticket is said by. */
export const choicesQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['choices', lang, number],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/tickets/{number}/choices', { params: { path: { number } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** Whether evidence or a diagnosis is still to come. */
function unsettled(ticket: TicketDetail): boolean {
  return ticket.evidence.frozen_at === null || ticket.diagnostics.some((run) => run.status === 'waiting')
}
