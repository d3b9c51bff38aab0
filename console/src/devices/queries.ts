import { queryOptions } from '@tanstack/react-query'
import { api, type Device, taken } from '../api/client.ts'
import { given, journal, LOOK_AGAIN_MS, MOST_ROWS, pages } from '../api/reading.ts'
import { mergeDevices } from '../feed/merge.ts'
import type { Language } from '../words/i18n.ts'

export const devicesQuery = (lang: Language) =>
  queryOptions({
    queryKey: ['devices', lang],
    queryFn: async ({ signal }) => {
      const mark = journal.mark()
      const list = await pages<Device>(MOST_ROWS, (next) =>
        taken(api.GET('/api/v1/devices', { params: { query: { status: 'active', ...given(next) } }, signal })),
      )
      return journal.since(mark).reduce(mergeDevices, list)
    },
  })

export const deviceQuery = (lang: Language, id: string) =>
  queryOptions({
    queryKey: ['device', lang, id],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id } }, signal })),
    refetchInterval: LOOK_AGAIN_MS,
  })
