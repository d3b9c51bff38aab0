import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import { type Alert, api, given, taken } from '../api/client.ts'
import { summaryOf } from '../feed/put.ts'
import { useLanguage } from '../ui/bits.tsx'
import type { Language } from '../words/i18n.ts'
import { ALERTS, type AlertFilter, asked } from './kind.ts'

/** All that an alert's page says. The stream tells when it is to be asked again. */
export const alertQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['alert', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/alerts/{id}', { params: { path: { id } }, signal })),
  })

export type GroupedBy = 'site' | 'model' | 'ticket'

/** How many there are, and in which groups: asked again whenever the stream tells of alerts. */
export const countQuery = (lang: Language, filter: AlertFilter, by: GroupedBy | undefined) =>
  queryOptions({
    queryKey: [summaryOf(ALERTS), lang, filter, by] as const,
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/alerts/summary', { params: { query: { ...asked(filter), ...given({ by }) } }, signal })),
    placeholderData: keepPreviousData,
  })

/** An alert as it is known by now: a row that left its list, and is still held in it, is as it was. Asks for nothing. */
export function useKnown(alert: Alert): Alert {
  const language = useLanguage()
  const { data } = useQuery({ ...alertQuery(language, alert.id), enabled: false })
  return data !== undefined && data.version > alert.version ? data : alert
}
