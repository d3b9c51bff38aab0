/** What lists and pages do with an alert. Pure. */

import type { Alert, Schemas } from '../api/client.ts'

export type AlertDetail = Schemas['AlertDetail']

export const waits = (alert: Alert): boolean => alert.operator.state === 'unacknowledged'

/** How long it lasted, or lasts as of `now`, in ms. */
export function lasted(alert: Pick<Alert, 'occurred_at' | 'cleared_at'>, now: number): number {
  return Math.max((alert.cleared_at === null ? now : Date.parse(alert.cleared_at)) - Date.parse(alert.occurred_at), 0)
}
