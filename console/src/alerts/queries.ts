import { queryOptions } from '@tanstack/react-query'
import { api, taken } from '../api/client.ts'
import type { Language } from '../words/i18n.ts'

/** All that an alert's page says. The stream tells when it is to be asked again. */
export const alertQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['alert', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/alerts/{id}', { params: { path: { id } }, signal })),
  })
