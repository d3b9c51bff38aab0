import { queryOptions } from '@tanstack/react-query'
import { api, type Schemas, taken } from '../api/client.ts'
import { all } from '../api/reading.ts'
import type { Language } from '../words/i18n.ts'

/** Every model that equipment can be of, with all that is known of it. It changes with a restart of the platform alone. */
export const modelsQuery = (lang: Language) =>
  queryOptions({
    queryKey: ['catalog', lang],
    queryFn: ({ signal }) =>
      all<Schemas['ModelShape']>((next) =>
        taken(api.GET('/api/v1/catalog/models', { params: { query: { limit: 100, ...next } }, signal })),
      ),
    staleTime: 3_600_000,
  })
