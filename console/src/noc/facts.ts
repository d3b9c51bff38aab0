/** What a wall shows, counted by the server; asked again whenever the stream tells of it. */

import { useQuery } from '@tanstack/react-query'
import type { AlertFilter } from '../alerts/kind.ts'
import { ALERTS } from '../alerts/kind.ts'
import { countQuery as alertsCounted } from '../alerts/queries.ts'
import { countQuery as devicesCounted } from '../devices/queries.ts'
import { useList } from '../list/useList.ts'
import type { TicketFilter } from '../tickets/kind.ts'
import { countQuery as ticketsCounted } from '../tickets/queries.ts'
import { useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import type { Facts } from './board.tsx'

const OPEN = { state: 'open' } as const
const NOBODYS: TicketFilter = { state: 'open', holder: 'none' }
const ALL = {}
const OLDEST: AlertFilter = { state: 'open', severity: ['critical'], operator: ['unacknowledged'] }

export function useFacts(): { readonly facts: Facts; readonly failed: boolean } {
  const language = useLanguage()
  const { begun } = useLive()
  const alerts = useQuery({ ...alertsCounted(language, OPEN, 'site'), enabled: begun })
  const tickets = useQuery({ ...ticketsCounted(language, OPEN), enabled: begun })
  const nobodys = useQuery({ ...ticketsCounted(language, NOBODYS), enabled: begun })
  const devices = useQuery({ ...devicesCounted(language, ALL), enabled: begun })
  const oldest = useList(ALERTS, OLDEST)
  const facts: Facts = {
    alerts: alerts.data && { severity: alerts.data.severity, waiting: alerts.data.operator.unacknowledged },
    tickets: tickets.data && { severity: tickets.data.severity, waiting: nobodys.data?.total },
    devices: devices.data?.how,
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
  return { facts, failed: [alerts, tickets, nobodys, devices, oldest.query].some(({ isError }) => isError) }
}
