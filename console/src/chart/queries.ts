import { queryOptions } from '@tanstack/react-query'
import { api, taken } from '../api/client.ts'
import { LOOK_AGAIN_MS } from '../api/reading.ts'
import { serverNow } from '../feed/server-time.ts'
import type { Language } from '../words/i18n.ts'
import type { Span } from './view.ts'

/** What an agent couldn't send at once comes within this, mostly. */
const LATE_MS = 60_000

/** When a picture may have another point, in ms; a past one never has. */
function grows(span: Span, points: number): number | false {
  if ('last' in span) return Math.min(Math.max(span.last / points, LOOK_AGAIN_MS), LATE_MS)
  return span.to > serverNow() - LATE_MS ? LOOK_AGAIN_MS : false
}

const range = (span: Span) => ('last' in span ? { from: serverNow() - span.last } : { from: span.from, to: span.to })

export const seriesQuery = (lang: Language, device: string, metric: string, span: Span, points: number) =>
  queryOptions({
    queryKey: ['series', lang, device, metric, span, points],
    queryFn: async ({ signal }) => {
      const query = { metric, points, ...range(span) }
      const asked = api.GET('/api/v1/devices/{id}/series', { params: { path: { id: device }, query }, signal })
      // What came at another moment but says the same is the same picture: nothing is drawn anew.
      return { ...(await taken(asked)), now: '' }
    },
    refetchInterval: grows(span, points),
  })

const EVENTS = 500

export const timelineQuery = (lang: Language, device: string, span: Span) =>
  queryOptions({
    queryKey: ['timeline', lang, device, span],
    queryFn: ({ signal }) => {
      const params = { path: { id: device }, query: range(span) }
      return taken(api.GET('/api/v1/devices/{id}/timeline', { params, signal }))
    },
    refetchInterval: grows(span, EVENTS),
  })

/** The ticket's own copy of what was before the fault: it outlives the readings. Never changes once it is frozen. */
export const evidenceQuery = (lang: Language, number: string) =>
  queryOptions({
    queryKey: ['evidence', lang, number],
    queryFn: ({ signal }) =>
      taken(api.GET('/api/v1/tickets/{number}/evidence', { params: { path: { number } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
