/** Devices as lists show them; the stream tells how each is, and when it was last heard, not all of it. */

import { api, type Device, given, taken } from '../api/client.ts'
import type { Kind } from '../feed/kind.ts'
import { type How, summary } from './summary.ts'

/** What the list of devices is asked for; what isn't given doesn't matter. */
export interface DeviceFilter {
  readonly how?: readonly How[] | undefined
  readonly hospital?: number | undefined
  readonly site?: number | undefined
  readonly model?: string | undefined
  readonly q?: string | undefined
  /** How they are, the worst first; else by place and name. */
  readonly sort?: 'urgency' | undefined
}

/** A filter as the API takes it. */
export const asked = ({ how, hospital, site, model, q }: DeviceFilter) =>
  given({
    status: ['active' as const],
    how: how && [...how],
    hospital: hospital === undefined ? undefined : [hospital],
    site: site === undefined ? undefined : [site],
    model: model === undefined ? undefined : [model],
    q,
  })

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

export const DEVICES: Kind<Device, DeviceFilter> = {
  name: 'devices',
  key: (device) => device.id,
  version: (device) => device.version,
  ask: (filter, { next, limit, signal }) => {
    const query = { ...asked(filter), ...given({ sort: filter.sort, limit, next }) }
    return taken(api.GET('/api/v1/devices', { params: { query }, signal }))
  },
  belongs: (device, { how, q }) =>
    how === undefined || how.includes(summary(device)) ? (q === undefined ? true : null) : false,
  enters: ({ how, sort }) => how !== undefined || sort !== undefined,
  // By place and name, as only the database compares them.
  compare: () => null,
  events: {
    devices: ({ now, items }: { now: string; items: readonly ToldDevice[] }) =>
      items.map((item) => ({ key: item.id, patch: (device) => withFacts(device, item, Date.parse(now)) })),
  },
  unlogged: true,
  shownBy: (change) => [['device', change.key]],
}

export function withFacts(device: Device, item: ToldDevice, now: number): Device {
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
