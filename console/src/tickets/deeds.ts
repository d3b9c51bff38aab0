/** What a person does with a ticket: moving it on. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import type { Deed } from '../act/queue.ts'
import { api, type Schemas, type TicketDetail, taken } from '../api/client.ts'
import { whole } from '../feed/kind.ts'
import { put } from '../feed/put.ts'
import { usePage } from '../ui/context.tsx'
import { dropDraft } from '../ui/drafts.ts'
import { say } from '../ui/toasts.tsx'
import { language } from '../words/i18n.ts'
import { TICKETS } from './kind.ts'
import './words.ts'

/** All that an account may do with a ticket, as `possible` names it. */
export type Doing = TicketDetail['possible'][number]

/** What the reason for it is kept by while it is written. */
export const whyOf = (number: string, doing: Doing): string => `ticket.${number}.${doing}`

export function useMoving(): (ticket: TicketDetail, doing: Doing, note: string) => void {
  const queries = useQueryClient()
  const { acts } = usePage()
  return (ticket, doing, note) => acts.do(moving(queries, ticket, doing, note))
}

function moving(queries: QueryClient, ticket: TicketDetail, doing: Doing, note: string): Deed {
  return {
    target: ticket.number,
    send: async (key) => {
      const moved = await sent(ticket, doing, { note }, key)
      return () => {
        dropDraft(whyOf(ticket.number, doing))
        shown(queries, moved)
      }
    },
    look: () => queries.invalidateQueries({ queryKey: ['ticket'] }),
  }
}

/** Asks the API for it, as the version that the person has seen. */
export function sent(
  { number, version }: Pick<TicketDetail, 'number' | 'version'>,
  doing: Doing,
  said: { note: string; repair?: Schemas['RepairGiven'] },
  key: string,
): Promise<TicketDetail> {
  const params = { path: { number }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key } }
  switch (doing) {
    case 'confirm':
    case 'decline':
      return taken(
        api.POST('/api/v1/tickets/{number}/confirm', {
          params,
          body: { repaired: doing === 'confirm', note: said.note },
        }),
      )
    case 'release':
      return taken(api.POST('/api/v1/tickets/{number}/release', { params, body: { note: said.note } }))
    default:
      return taken(api.POST('/api/v1/tickets/{number}/transition', { params, body: { event: doing, ...said } }))
  }
}

/** Puts the ticket as it is now wherever it is shown, and says so. */
export function shown(queries: QueryClient, ticket: TicketDetail): void {
  put(queries, language(), [whole(TICKETS, ticket)])
  const status = i18next.t(`tickets.status.${ticket.status}`)
  say(i18next.t('tickets.moved', { number: ticket.number, status }))
}
