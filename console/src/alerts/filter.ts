import * as z from 'zod/mini'
import { oneOf, someOf, words } from '../ui/fields.ts'
import { SEVERITIES } from '../ui/severity.ts'
import { ALERT_STATES } from './kind.ts'

/** What the address of the list of alerts says. */
export const alertSearch = z.object({ state: oneOf(ALERT_STATES), severity: someOf(SEVERITIES), q: words() })
export type AlertSearch = z.infer<typeof alertSearch>

/** No filter: what leaves something out of the list. */
export const NO_FILTERS = { severity: undefined, q: undefined }

export const isFiltered = (search: AlertSearch): boolean =>
  Object.keys(NO_FILTERS).some((name) => search[name as keyof AlertSearch] !== undefined)
