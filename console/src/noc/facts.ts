/** What a wall shows, counted by the server; asked again whenever the stream tells of it. */

import { useQuery } from '@tanstack/react-query'
import type { AlertFilter } from '../alerts/kind.ts'
import { ALERTS } from '../alerts/kind.ts'
import { countQuery } from '../alerts/queries.ts'
import { useList } from '../list/useList.ts'
import { useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import type { Facts } from './board.tsx'

const OPEN: AlertFilter = { state: 'open' }
const OLDEST: AlertFilter = { state: 'open', severity: ['critical'], operator: ['unacknowledged'] }

export function useFacts(): { readonly facts: Facts; readonly failed: boolean } {
  const language = useLanguage()
  const { begun } = useLive()
  const alerts = useQuery({ ...countQuery(language, OPEN, 'site'), enabled: begun })
  const oldest = useList(ALERTS, OLDEST)
  const facts: Facts = {
    open: alerts.data?.severity,
    waiting: alerts.data?.operator.unacknowledged,
    sites: alerts.data?.groups.map(({ key, name, place, worst, count }) => ({
      key,
      name,
      hospital: place,
      worst,
      count,
    })),
    more: alerts.data?.more ?? 0,
    oldest: oldest.query.data === undefined ? undefined : (oldest.rows[0] ?? null),
  }
  return { facts, failed: [alerts, oldest.query].some(({ isError }) => isError) }
}
