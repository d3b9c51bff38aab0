import { queryOptions } from '@tanstack/react-query'
import { api, taken } from '../api/client.ts'
import { LOOK_AGAIN_MS } from '../api/reading.ts'
import { serverNow } from '../feed/server-time.ts'
import type { Language } from '../words/i18n.ts'

/** What an agent couldn't send at once comes within this, mostly. */
const LATE_MS = 60_000

/** A range of a chart, in ms: fixed, or so much up to now. */
export type Span = { readonly from: number; readonly to: number } | { readonly last: number }

/** When a picture may have another point, in ms; a past one never has. */
function grows(span: Span, points: number): number | false {
  if ('last' in span) return Math.min(Math.max(span.last / points, LOOK_AGAIN_MS), LATE_MS)
  return span.to > serverNow() - LATE_MS ? LOOK_AGAIN_MS : false
}

export const seriesQuery = (lang: Language, device: string, metric: string, span: Span, points: number) =>
  queryOptions({
    queryKey: ['series', lang, device, metric, span, points],
    queryFn: ({ signal }) => {
      const range = 'last' in span ? { from: serverNow() - span.last } : span
      const query = { metric, points, ...range }
      return taken(api.GET('/api/v1/devices/{id}/series', { params: { path: { id: device }, query }, signal }))
    },
    refetchInterval: grows(span, points),
  })

/** The ticket's own copy of what was before the fault: it outlives the readings. Never changes once it is frozen. */
export const evidenceQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['evidence', lang, number],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/tickets/{number}/evidence', { params: { path: { number } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
