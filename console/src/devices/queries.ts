import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, given, taken } from '../api/client.ts'
import { all, LOOK_AGAIN_MS } from '../api/reading.ts'
import { summaryOf } from '../feed/put.ts'
import type { Language } from '../words/i18n.ts'
import { asked, DEVICES, type DeviceFilter } from './kind.ts'

/** How many there are, and how they are: asked again when the stream tells that one is otherwise. */
export const countQuery = (lang: Language, filter: DeviceFilter, by?: 'site' | 'model') =>
  queryOptions({
    queryKey: [summaryOf(DEVICES), lang, filter, by] as const,
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/devices/summary', { params: { query: { ...asked(filter), ...given({ by }) } }, signal })),
    placeholderData: keepPreviousData,
  })

export const deviceQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })

/** Open alerts of a device, the worst first. */
export const alertsQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id, 'alerts'],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/alerts', { params: { query: { device: [id], state: ['open'], limit: 50 } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })

/** Everything that may be kept of it, and what came. */
export const collectedQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id, 'collected'],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}/collected', { params: { path: { id } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })

/** Who served it since when, and who is to. */
export const serviceQuery = (id: string) =>
  queryOptions({
    queryKey: ['device', id, 'service'],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}/service', { params: { path: { id } }, signal })),
  })

export const dealersQuery = () =>
  queryOptions({
    queryKey: ['dealers'],
    queryFn: () => all((next) => taken(api.GET('/api/v1/dealers', { params: { query: { limit: 1000, ...next } } }))),
  })
