/** What the stream tells, put into what lists show. Pure: a list that nothing changed in is returned as it was. */

import type { AlertState } from '../alerts/queries.ts'
import type { Alert, Device, Ticket } from '../api/client.ts'
import type { Listed } from '../api/reading.ts'
import type { TicketState } from '../tickets/queries.ts'

interface ToldFact {
  readonly value: boolean | null
  readonly reason: string
  readonly text: string
  readonly since: string | null
}

interface ToldDevice {
  readonly id: string
  readonly connected: ToldFact
  readonly fresh: ToldFact
  readonly healthy: ToldFact
  readonly last_seen: string | null
  readonly open_alerts: number
  readonly open_tickets: number
}

/** The events of `GET /api/v1/stream` that change a list. */
export type Told =
  | { readonly type: 'alert'; readonly alert: Alert }
  | { readonly type: 'ticket'; readonly ticket: Ticket }
  | { readonly type: 'devices'; readonly now: string; readonly items: readonly ToldDevice[] }
  | { readonly type: 'seen'; readonly seen: Readonly<Record<string, number>> }

const CONDITIONS: Readonly<Record<Alert['condition'], AlertState>> = {
  active: 'open',
  clearing: 'open',
  'no-data': 'open',
  unconfirmed: 'open',
  pending: 'pending',
  ok: 'over',
}

export const stateOfAlert = (alert: Alert): AlertState => CONDITIONS[alert.condition]
export const stateOfTicket = (ticket: Ticket): TicketState => (ticket.status === 'closed' ? 'closed' : 'open')

export function mergeAlert(list: Listed<Alert>, state: AlertState, alert: Alert): Listed<Alert> {
  return merged(list, alert, stateOfAlert(alert) === state, (one) => one.occurred_at)
}

export function mergeTicket(list: Listed<Ticket>, state: TicketState, ticket: Ticket): Listed<Ticket> {
  return merged(list, ticket, stateOfTicket(ticket) === state, (one) => one.opened_at)
}

/** The latest first, as the API orders it. An older version never replaces a newer one. */
function merged<T extends { id: string | number; version: number }>(
  list: Listed<T>,
  item: T,
  belongs: boolean,
  time: (one: T) => string,
): Listed<T> {
  const at = list.items.findIndex((one) => one.id === item.id)
  const there = list.items[at]
  if (there !== undefined && there.version > item.version) return list
  if (there === undefined && !belongs) return list
  const others = list.items.filter((one) => one.id !== item.id)
  if (!belongs) return { ...list, items: others }
  if (there !== undefined) return { ...list, items: list.items.map((one) => (one.id === item.id ? item : one)) }
  const place = others.findIndex((one) => time(one) < time(item))
  return { ...list, items: place < 0 ? [...others, item] : [...others.slice(0, place), item, ...others.slice(place)] }
}

export function mergeDevices(list: Listed<Device>, told: Told): Listed<Device> {
  if (told.type === 'devices') {
    const news = new Map(told.items.map((item) => [item.id, item]))
    return changed(list, (device) => {
      const item = news.get(device.id)
      return item === undefined ? device : withFacts(device, item, Date.parse(told.now))
    })
  }
  if (told.type !== 'seen') return list
  return changed(list, (device) => {
    const at = told.seen[device.id]
    return at === undefined ? device : { ...device, last_seen: new Date(at).toISOString() }
  })
}

function changed(list: Listed<Device>, change: (device: Device) => Device): Listed<Device> {
  const items = list.items.map(change)
  return items.some((device, at) => device !== list.items[at]) ? { ...list, items } : list
}

export function withFacts<D extends Device>(device: D, item: ToldDevice, now: number): D {
  const fact = (told: ToldFact): Device['connected'] => ({
    value: told.value,
    reason: told.reason,
    text: told.text,
    age_s: told.since === null ? null : Math.max(now - Date.parse(told.since), 0) / 1_000,
  })
  return {
    ...device,
    connected: fact(item.connected),
    fresh: fact(item.fresh),
    healthy: fact(item.healthy),
    last_seen: item.last_seen,
    open_alerts: item.open_alerts,
    open_tickets: item.open_tickets,
  }
}

/** Whether a device is told of that the list doesn't have: it must be fetched. */
export function strangers(list: Listed<Device>, told: Told): boolean {
  if (told.type !== 'devices') return false
  const known = new Set(list.items.map((device) => device.id))
  return told.items.some((item) => !known.has(item.id))
}

const KEPT_EVENTS = 5_000

/**
 * What was told lately, so that an answer that was under way meanwhile doesn't undo it: a request takes a `mark`, and puts
 * what came `since` into its answer.
 */
export class Journal {
  #told: Told[] = []
  #dropped = 0

  add(told: Told): void {
    this.#told.push(told)
    if (this.#told.length > KEPT_EVENTS) {
      this.#dropped += KEPT_EVENTS / 2
      this.#told = this.#told.slice(KEPT_EVENTS / 2)
    }
  }

  mark(): number {
    return this.#dropped + this.#told.length
  }

  since(mark: number): readonly Told[] {
    return this.#told.slice(Math.max(mark - this.#dropped, 0))
  }
}
