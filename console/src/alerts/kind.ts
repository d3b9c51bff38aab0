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
  readonly operator?: readonly Alert['operator']['state'][] | undefined
  /** `me`: whom the asker has acknowledged. */
  readonly holder?: readonly string[] | undefined
  readonly hospital?: readonly number[] | undefined
  readonly site?: readonly number[] | undefined
  readonly model?: readonly string[] | undefined
  /** `none`: alerts that have no ticket. */
  readonly ticket?: readonly string[] | undefined
  readonly device?: readonly string[] | undefined
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

/** A filter as the API takes it. */
export const asked = ({ state, severity, operator, holder, hospital, site, model, ticket, device, q }: AlertFilter) =>
  given({
    state: [state],
    severity: severity && [...severity],
    operator: operator && [...operator],
    holder: holder && [...holder],
    hospital: hospital && [...hospital],
    site: site && [...site],
    model: model && [...model],
    ticket: ticket && [...ticket],
    device: device && [...device],
    q,
  })

const among = <T>(wanted: readonly T[] | undefined, ...its: readonly T[]): boolean =>
  wanted === undefined || its.some((one) => wanted.includes(one))

export const ALERTS: Kind<Alert, AlertFilter> = {
  name: 'alerts',
  key: (alert) => alert.id,
  version: (alert) => alert.version,
  ask: (filter, { next, limit, signal }) =>
    taken(api.GET('/api/v1/alerts', { params: { query: { ...asked(filter), ...given({ limit, next }) } }, signal })),
  belongs: (alert, filter) => {
    const here =
      CONDITIONS[alert.condition] === filter.state &&
      among(filter.severity, alert.severity) &&
      among(filter.operator, alert.operator.state) &&
      among(filter.hospital, alert.hospital.id) &&
      among(filter.site, alert.site.id) &&
      among(filter.model, alert.device.model) &&
      among(filter.ticket, ...(alert.tickets.length === 0 ? ['none'] : alert.tickets)) &&
      among(filter.device, alert.device.id)
    if (!here) return false
    return filter.q === undefined && filter.holder === undefined ? true : null
  },
  enters: () => false,
  compare:
    ({ state }) =>
    (one, other) =>
      state === 'over'
        ? Date.parse(other.occurred_at) - Date.parse(one.occurred_at)
        : severityRank(one.severity) - severityRank(other.severity) ||
          Date.parse(one.occurred_at) - Date.parse(other.occurred_at),
  events: { alert: (alert: Alert) => [{ key: alert.id, item: alert }] },
  shownBy: (change) => [
    ['alert', change.key],
    ...('item' in change ? [['device', change.item.device.id] as const] : []),
    ...('item' in change ? change.item.tickets.map((number) => ['ticket', number] as const) : []),
  ],
}
