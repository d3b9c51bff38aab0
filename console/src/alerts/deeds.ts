/** What a person does with alerts: acknowledging one or several, and undoing that. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import type { ActQueue, Deed } from '../act/queue.ts'
import { type Alert, api, taken } from '../api/client.ts'
import { whole } from '../feed/kind.ts'
import { put } from '../feed/put.ts'
import { usePage } from '../ui/context.tsx'
import { dropDraft } from '../ui/drafts.ts'
import { say } from '../ui/toasts.tsx'
import { language } from '../words/i18n.ts'
import type { AlertDetail } from './alert.ts'
import { ALERTS } from './kind.ts'
import { alertQuery } from './queries.ts'
import './words.ts'

/** What a note to an alert is kept by while it is written. */
export const noteOf = (alert: string): string => `alert.${alert}`

/** For undoing: as they were answered. */
let last: readonly Alert[] = []
export const lastAcknowledged = (): readonly Alert[] => last

export interface Acknowledging {
  readonly acknowledge: (alerts: readonly Alert[], note: string) => void
  readonly undo: (alerts: readonly Alert[], note?: string) => void
}

export function useAcknowledging(): Acknowledging {
  const queries = useQueryClient()
  const { acts } = usePage()
  return {
    acknowledge: (alerts, note) => run(queries, acts, alerts, 'acknowledge', note),
    undo: (alerts, note = '') => run(queries, acts, alerts, 'unacknowledge', note),
  }
}

/** What is done at once is told at once: answers that come within this time, in ms. */
const TOLD_TOGETHER_MS = 400

function run(
  queries: QueryClient,
  acts: ActQueue,
  alerts: readonly Alert[],
  what: 'acknowledge' | 'unacknowledge',
  note: string,
): void {
  let done: AlertDetail[] = []
  const tell = () => {
    const those = done
    done = []
    const [one] = those
    if (one === undefined) return
    const said =
      those.length === 1 ? `${one.device.name} ${one.title.text}` : i18next.t('alerts.several', { count: those.length })
    if (what === 'unacknowledge') {
      last = []
      say(i18next.t('alerts.said.unacknowledged', { what: said }))
      return
    }
    last = those
    say(i18next.t('alerts.said.acknowledged', { what: said }), {
      words: i18next.t('alerts.said.undo'),
      run: () => run(queries, acts, those, 'unacknowledge', ''),
    })
  }
  for (const alert of alerts) {
    acts.do(
      deed(queries, alert, what, note, (answer) => {
        dropDraft(noteOf(answer.id))
        if (done.length === 0) setTimeout(tell, alerts.length === 1 ? 0 : TOLD_TOGETHER_MS)
        done.push(answer)
      }),
    )
  }
}

function deed(
  queries: QueryClient,
  { id, version }: Alert,
  what: 'acknowledge' | 'unacknowledge',
  note: string,
  then: (answer: AlertDetail) => void,
): Deed {
  const show = (alert: AlertDetail) => {
    queries.setQueryData(alertQuery(language(), id).queryKey, alert)
    put(queries, language(), [whole(ALERTS, alert)])
  }
  return {
    target: id,
    send: async (key) => {
      const header = { 'If-Match': `"${version}"`, 'Idempotency-Key': key }
      const asked = { params: { path: { id }, header }, body: { note } }
      const answer = await taken(api.POST(`/api/v1/alerts/{id}/${what}`, asked))
      return () => {
        show(answer)
        then(answer)
      }
    },
    look: async () => show(await taken(api.GET('/api/v1/alerts/{id}', { params: { path: { id } } }))),
  }
}
