import { queryOptions } from '@tanstack/react-query'
import { api, type Schemas, taken } from '../api/client.ts'
import { all } from '../api/reading.ts'

export const sitesQuery = queryOptions({
  queryKey: ['sites'],
  queryFn: ({ signal }) =>
    all<Schemas['Site']>((next) =>
      taken(api.GET('/api/v1/sites', { params: { query: { limit: 1_000, ...next } }, signal })),
    ),
  staleTime: 3_600_000,
})
