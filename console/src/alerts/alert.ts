/** What the list does with an alert. Pure. */

import type { Alert } from '../api/client.ts'
import type { Route } from '../ui/route.ts'

/** What a click on an alert opens: its ticket, else its device with the signal it is about. */
export function opens(alert: Alert): Route {
  const number = alert.tickets.at(-1)
  if (number !== undefined) return { at: 'ticket', id: number }
  return { at: 'device', id: alert.device.id, part: alert.kind === 'limit' ? alert.subject : null }
}

export const waits = (alert: Alert): boolean => alert.operator.state === 'unacknowledged'
export const order = (alert: Alert): number => (waits(alert) ? 0 : 1)
