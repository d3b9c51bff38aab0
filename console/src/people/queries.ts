import { queryOptions } from '@tanstack/react-query'
import { api, type Schemas, taken } from '../api/client.ts'
import { given, MOST_ROWS, pages } from '../api/reading.ts'

export const sitesQuery = queryOptions({
  queryKey: ['sites'],
  queryFn: ({ signal }) =>
    pages<Schemas['Site']>(MOST_ROWS, (next) =>
      taken(api.GET('/api/v1/sites', { params: { query: given(next) }, signal })),
    ),
  staleTime: 3_600_000,
})
