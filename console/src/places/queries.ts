import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, given, type Schemas, taken } from '../api/client.ts'

export type Organisation = Schemas['Organisation']

/** The first part of the keys of all that is known of organisations. */
export const ORGS = 'orgs'
const SHOWN = 50

export const orgQuery = (id: number) =>
  queryOptions({
    queryKey: [ORGS, 'one', id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/orgs/{id}', { params: { path: { id } }, signal })),
  })

/** The first of those with a part in their name: there are too many for one list. */
export const foundQuery = (kind: 'dealer' | 'hospital' | undefined, part: string) =>
  queryOptions({
    queryKey: [ORGS, 'pick', kind, part],
    queryFn: ({ signal }) =>
      taken(
        api.GET('/api/v1/orgs', {
          params: { query: { limit: SHOWN, ...given({ kind, q: part || undefined }) } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  })
