/** What a person does with an alert: acknowledging it, and undoing that. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import type { ActQueue, Deed } from '../act/queue.ts'
import { type Alert, api, taken } from '../api/client.ts'
import { whole } from '../feed/kind.ts'
import { put } from '../feed/put.ts'
import { usePage } from '../ui/context.tsx'
import { say } from '../ui/toasts.tsx'
import { ALERTS } from './kind.ts'
import './words.ts'

/** What somebody began to write is there again when the box is opened again, whatever closed it. */
export const drafts = new Map<string, string>()

/** For undoing: as it was answered. */
let last: Alert | null = null
export const lastAcknowledged = (): Alert | null => last

interface Acknowledging {
  readonly acknowledge: (alert: Alert, note: string) => void
  readonly undo: (alert: Alert) => void
}

export function useAcknowledging(): Acknowledging {
  const queries = useQueryClient()
  const { acts } = usePage()
  const undo = (alert: Alert) => acts.do(unacknowledging(queries, alert))
  return { acknowledge: (alert, note) => acts.do(acknowledging(queries, acts, alert, note)), undo }
}

const words = (alert: Alert): string => `${alert.device.name} ${alert.message.text}`
const asked = ({ id, version }: Alert, key: string, note: string) => ({
  params: { path: { id }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key } },
  body: { note },
})

function acknowledging(queries: QueryClient, acts: ActQueue, alert: Alert, note: string): Deed {
  return {
    ...of(queries, alert),
    send: async (key) => {
      const done = await taken(api.POST('/api/v1/alerts/{id}/acknowledge', asked(alert, key, note)))
      return () => {
        last = done
        put(queries, [whole(ALERTS, done)])
        drafts.delete(done.id)
        say(i18next.t('alerts.said.acknowledged', { what: words(done) }), {
          words: i18next.t('alerts.said.undo'),
          run: () => acts.do(unacknowledging(queries, done)),
        })
      }
    },
  }
}

function unacknowledging(queries: QueryClient, alert: Alert): Deed {
  return {
    ...of(queries, alert),
    send: async (key) => {
      const done = await taken(api.POST('/api/v1/alerts/{id}/unacknowledge', asked(alert, key, '')))
      return () => {
        last = null
        put(queries, [whole(ALERTS, done)])
        say(i18next.t('alerts.said.unacknowledged', { what: words(done) }))
      }
    },
  }
}

function of(queries: QueryClient, { id }: Alert): Pick<Deed, 'target' | 'look'> {
  const look = async () => {
    const alert = await taken(api.GET('/api/v1/alerts/{id}', { params: { path: { id } } }))
    put(queries, [whole(ALERTS, alert)])
  }
  return { target: id, look }
}
