/** What the page reads, as TanStack queries. The language is part of each key: texts come in the reader's own. */

import { queryOptions } from '@tanstack/react-query'
import { Journal, mergeAlert, mergeDevices, mergeTicket } from '../feed/merge.ts'
import { serverNow } from '../feed/server-time.ts'
import type { Language } from '../words/i18n.ts'
import { type Alert, api, type Device, type Schemas, type Ticket, type TicketDetail, taken } from './client.ts'

export type AlertState = 'open' | 'pending' | 'over'
export type TicketState = 'open' | 'closed'
export const ALERT_STATES: readonly AlertState[] = ['open', 'pending', 'over']
export const TICKET_STATES: readonly TicketState[] = ['open', 'closed']

/** What a list shows at most; beyond it, it says so. */
const MOST_ROWS = 1_000
const PAGE_ROWS = 200

/** What the stream told lately; requests that were under way put it into their answers. */
export const journal = new Journal()

export interface Listed<T> {
  readonly items: readonly T[]
  /** There are more than these. */
  readonly more: boolean
}

interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

async function pages<T>(most: number, ask: (next: string | undefined) => Promise<Page<T>>): Promise<Listed<T>> {
  const items: T[] = []
  let next: string | undefined
  do {
    const page = await ask(next)
    items.push(...page.items)
    next = page.next ?? undefined
  } while (next !== undefined && items.length < most)
  return { items, more: next !== undefined }
}

const given = (next: string | undefined) => ({ limit: PAGE_ROWS, ...(next === undefined ? {} : { next }) })

export const devicesQuery = (lang: Language) =>
  queryOptions({
    queryKey: ['devices', lang],
    queryFn: async ({ signal }) => {
      const mark = journal.mark()
      const list = await pages<Device>(MOST_ROWS, (next) =>
        taken(api.GET('/api/v1/devices', { params: { query: { status: 'active', ...given(next) } }, signal })),
      )
      return journal.since(mark).reduce(mergeDevices, list)
    },
  })

export const alertsQuery = (lang: Language, state: AlertState) =>
  queryOptions({
    queryKey: ['alerts', lang, state],
    queryFn: async ({ signal }) => {
      const mark = journal.mark()
      // What is over grows for ever: the last page of it is enough to look back.
      const list = await pages<Alert>(state === 'over' ? 1 : MOST_ROWS, (next) =>
        taken(api.GET('/api/v1/alerts', { params: { query: { state, ...given(next) } }, signal })),
      )
      return journal
        .since(mark)
        .reduce((now, told) => (told.type === 'alert' ? mergeAlert(now, state, told.alert) : now), list)
    },
  })

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

/** Values are not on the stream: what one looks at is asked again this often. */
const LOOK_AGAIN_MS = 10_000
/** What an agent couldn't send at once comes within this, mostly. */
const LATE_MS = 60_000

export const deviceQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })

/** Whether people are told of tickets; changes seldom, and is on no stream. */
export const tellingQuery = queryOptions({
  queryKey: ['telling'],
  queryFn: ({ signal }) => taken(api.GET('/api/v1/telling', { signal })),
  refetchInterval: LOOK_AGAIN_MS,
})

export const ticketQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['ticket', lang, number],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/tickets/{number}', { params: { path: { number } }, signal })),
    // The stream tells what happens to it; only what is still to come of itself is asked for.
    refetchInterval: ({ state: { data } }) => (data !== undefined && unsettled(data) ? LOOK_AGAIN_MS : false),
  })

/** The ticket's own copy of what was before the fault: it outlives the readings. Never changes once it is frozen. */
export const evidenceQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['evidence', lang, number],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/tickets/{number}/evidence', { params: { path: { number } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** Whether evidence or a diagnosis is still to come. */
function unsettled(ticket: TicketDetail): boolean {
  return ticket.evidence.frozen_at === null || ticket.diagnostics.some((run) => run.status === 'waiting')
}

export const sitesQuery = () =>
  queryOptions({
    queryKey: ['sites'],
    queryFn: ({ signal }) =>
      pages<Schemas['Site']>(MOST_ROWS, (next) =>
        taken(api.GET('/api/v1/sites', { params: { query: given(next) }, signal })),
      ),
    staleTime: 3_600_000,
  })

/** A range of a chart, in ms: fixed, or so much up to now. */
export type Span = { readonly from: number; readonly to: number } | { readonly last: number }

/** When a picture may have another point, in ms; a past one never has. */
function grows(span: Span, points: number): number | false {
  if ('last' in span) return Math.min(Math.max(span.last / points, LOOK_AGAIN_MS), LATE_MS)
  return span.to > serverNow() - LATE_MS ? LOOK_AGAIN_MS : false
}

export const seriesQuery = (lang: Language, device: string, metric: string, span: Span, points: number) =>
  queryOptions({
    queryKey: ['series', lang, device, metric, span, points],
    queryFn: ({ signal }) => {
      const range = 'last' in span ? { from: serverNow() - span.last } : span
      const query = { metric, points, ...range }
      return taken(api.GET('/api/v1/devices/{id}/series', { params: { path: { id: device }, query }, signal }))
    },
    refetchInterval: grows(span, points),
  })
