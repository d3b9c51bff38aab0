/** What one does with a ticket in the inbox: receiving it. */

import { useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import { api, type Ticket, taken } from '../api/client.ts'
import { whole } from '../feed/kind.ts'
import { put } from '../feed/put.ts'
import { TICKETS } from '../tickets/kind.ts'
import { useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { say } from '../ui/toasts.tsx'
import './words.ts'

export function useReceiving(): (ticket: Ticket) => void {
  const queries = useQueryClient()
  const { acts } = usePage()
  const language = useLanguage()
  return ({ number, version }) =>
    acts.do({
      target: number,
      send: async (key) => {
        const header = { 'If-Match': `"${version}"`, 'Idempotency-Key': key }
        const asked = { params: { path: { number }, header }, body: { event: 'receive' as const, note: '' } }
        const ticket = await taken(api.POST('/api/v1/tickets/{number}/transition', asked))
        return () => {
          put(queries, language, [whole(TICKETS, ticket)])
          say(i18next.t('noc.inbox.received', { what: number }))
        }
      },
      look: () => queries.invalidateQueries({ queryKey: [TICKETS.name] }),
    })
}
