/** What waits for somebody of the NOC: alerts that nobody acknowledged, then tickets that nobody has. Pure. */

import type { Alert, Ticket } from '../api/client.ts'
import { once } from '../list/hold.ts'

export type Waiting =
  | { readonly is: 'alert'; readonly key: string; readonly alert: Alert }
  | { readonly is: 'ticket'; readonly key: string; readonly ticket: Ticket }

const ofAlert = once((alert: Alert): Waiting => ({ is: 'alert', key: alert.id, alert }))
const ofTicket = once((ticket: Ticket): Waiting => ({ is: 'ticket', key: ticket.number, ticket }))

/** One list of both, each as it comes: the most urgent first. */
export const waiting = (alerts: readonly Alert[], tickets: readonly Ticket[]): readonly Waiting[] => [
  ...alerts.map(ofAlert),
  ...tickets.map(ofTicket),
]

/** What both have. */
export const thing = (one: Waiting): Alert | Ticket => (one.is === 'alert' ? one.alert : one.ticket)
export const said = (one: Waiting): string => (one.is === 'alert' ? one.alert.title.text : one.ticket.title.text)
export const since = (one: Waiting): string => (one.is === 'alert' ? one.alert.occurred_at : one.ticket.opened_at)
