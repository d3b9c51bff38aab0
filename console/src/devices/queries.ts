import { queryOptions } from '@tanstack/react-query'
import { api, taken } from '../api/client.ts'
import { LOOK_AGAIN_MS } from '../api/reading.ts'
import type { Language } from '../words/i18n.ts'

export const deviceQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })
