/** Alerts as lists show them and the stream tells of them. */

import { type Alert, api, given, type Severity, taken } from '../api/client.ts'
import type { Kind } from '../feed/kind.ts'
import { severityRank } from '../ui/severity.ts'

export const ALERT_STATES = ['open', 'pending', 'over'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** What the list of alerts is asked for; what isn't given doesn't matter. */
export interface AlertFilter {
  readonly state: AlertState
  readonly severity?: readonly Severity[] | undefined
  readonly device?: string | undefined
  readonly q?: string | undefined
}

const CONDITIONS: Readonly<Record<Alert['condition'], AlertState>> = {
  active: 'open',
  clearing: 'open',
  'no-data': 'open',
  unconfirmed: 'open',
  pending: 'pending',
  ok: 'over',
}

export const ALERTS: Kind<Alert, AlertFilter> = {
  name: 'alerts',
  key: (alert) => alert.id,
  version: (alert) => alert.version,
  ask: ({ state, severity, device, q }, { next, limit, signal }) => {
    const query = given({
      state: [state],
      severity: severity && [...severity],
      device: device === undefined ? undefined : [device],
      q,
      limit,
      next,
    })
    return taken(api.GET('/api/v1/alerts', { params: { query }, signal }))
  },
  belongs: (alert, { state, severity, device, q }) => {
    if (CONDITIONS[alert.condition] !== state) return false
    if (severity !== undefined && !severity.includes(alert.severity)) return false
    if (device !== undefined && alert.device.id !== device) return false
    return q === undefined ? true : null
  },
  enters: () => false,
  compare: ({ state }) =>
    state === 'over'
      ? (one, other) => Date.parse(other.occurred_at) - Date.parse(one.occurred_at)
      : (one, other) =>
          severityRank(one.severity) - severityRank(other.severity) ||
          Date.parse(one.occurred_at) - Date.parse(other.occurred_at),
  events: { alert: (alert: Alert) => [{ key: alert.id, item: alert }] },
  shownBy: (change) => [
    ['alert', change.key],
    ...('item' in change ? [['device', change.item.device.id] as const] : []),
    ...('item' in change ? change.item.tickets.map((number) => ['ticket', number] as const) : []),
  ],
}
