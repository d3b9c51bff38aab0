/** What a person does with a ticket: moving it on. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import type { Deed } from '../act/queue.ts'
import { api, type Schemas, type TicketDetail, taken } from '../api/client.ts'
import { whole } from '../feed/kind.ts'
import { put } from '../feed/put.ts'
import { usePage } from '../ui/context.tsx'
import { say } from '../ui/toasts.tsx'
import { TICKETS } from './kind.ts'
import './words.ts'

export type TicketEvent = Schemas['Transition']['event']

export function useMoving(): (ticket: TicketDetail, event: TicketEvent, note: string) => void {
  const queries = useQueryClient()
  const { acts } = usePage()
  return (ticket, event, note) => acts.do(moving(queries, ticket, event, note))
}

function moving(queries: QueryClient, { number, version }: TicketDetail, event: TicketEvent, note: string): Deed {
  return {
    target: number,
    send: async (key) => {
      const ticket = await taken(
        api.POST('/api/v1/tickets/{number}/transition', {
          params: { path: { number }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key } },
          body: { event, note },
        }),
      )
      return () => {
        put(queries, [whole(TICKETS, ticket)])
        const status = i18next.t(`tickets.status.${ticket.status}`)
        say(i18next.t('tickets.moved', { number: ticket.number, status }))
      }
    },
    look: () => queries.invalidateQueries({ queryKey: ['ticket'] }),
  }
}
