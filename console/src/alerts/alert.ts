/** What the list does with an alert. Pure. */

import type { Alert } from '../api/client.ts'

export const waits = (alert: Alert): boolean => alert.operator.state === 'unacknowledged'
