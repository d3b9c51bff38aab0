/** Puts what was told, by the stream or by an answer, into every list that shows it. */

import type { QueryClient } from '@tanstack/react-query'
import { ALERT_STATES } from '../alerts/queries.ts'
import type { Device } from '../api/client.ts'
import { journal, type Listed } from '../api/reading.ts'
import { TICKET_STATES } from '../tickets/queries.ts'
import { mergeAlert, mergeDevices, mergeTicket, strangers, type Told } from './merge.ts'

export function put(queries: QueryClient, told: Told): void {
  journal.add(told)
  for (const kind of ['alerts', 'tickets', 'devices'] as const) {
    for (const [key, list] of queries.getQueriesData<Listed<never>>({ queryKey: [kind] })) {
      if (list === undefined) continue
      const after = applied(kind, key[2], list, told)
      if (after !== list) queries.setQueryData(key, after)
    }
  }
  refresh(queries, told)
}

function applied(kind: 'alerts' | 'tickets' | 'devices', state: unknown, list: Listed<never>, told: Told): unknown {
  if (kind === 'alerts' && told.type === 'alert') {
    const shown = ALERT_STATES.find((one) => one === state)
    return shown === undefined ? list : mergeAlert(list, shown, told.alert)
  }
  if (kind === 'tickets' && told.type === 'ticket') {
    const shown = TICKET_STATES.find((one) => one === state)
    return shown === undefined ? list : mergeTicket(list, shown, told.ticket)
  }
  return kind === 'devices' ? mergeDevices(list, told) : list
}

/** What a row doesn't tell whole is asked for again. */
function refresh(queries: QueryClient, told: Told): void {
  const again = (kind: string, id?: string) =>
    void queries.invalidateQueries({
      predicate: ({ queryKey: key }) => key[0] === kind && (id === undefined || key[2] === id),
    })
  if (told.type === 'ticket') again('ticket', told.ticket.number)
  if (told.type === 'alert') {
    for (const number of told.alert.tickets) again('ticket', number)
    again('device', told.alert.device.id)
  }
  if (told.type === 'devices') {
    for (const { id } of told.items) again('device', id)
    const lists = queries.getQueriesData<Listed<Device>>({ queryKey: ['devices'] })
    if (lists.some(([, list]) => list !== undefined && strangers(list, told))) again('devices')
  }
}
