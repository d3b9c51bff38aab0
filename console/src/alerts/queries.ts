import { queryOptions } from '@tanstack/react-query'
import { type Alert, api, taken } from '../api/client.ts'
import { given, journal, MOST_ROWS, pages } from '../api/reading.ts'
import { mergeAlert } from '../feed/merge.ts'
import type { Language } from '../words/i18n.ts'

export const ALERT_STATES = ['open', 'pending', 'over'] as const
export type AlertState = (typeof ALERT_STATES)[number]

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
