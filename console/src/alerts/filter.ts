import { id, many, oneOf, searchOf, someOf, words } from '../ui/fields.ts'
import { SEVERITIES } from '../ui/severity.ts'
import { ALERT_STATES, type AlertFilter } from './kind.ts'

export const WHOS = ['nobody', 'mine'] as const
export const GROUPS = ['site', 'ticket'] as const

/** What the address of the list of alerts says. `open`: the groups of which the alerts are shown. */
export const alertSearch = searchOf({
  state: oneOf(ALERT_STATES),
  severity: someOf(SEVERITIES),
  who: oneOf(WHOS),
  hospital: id(),
  site: id(),
  model: words(),
  q: words(),
  group: oneOf(GROUPS),
  open: many(),
})
export type AlertSearch = ReturnType<typeof alertSearch>

/** No filter: what leaves something out of the list. */
export const NO_FILTERS = {
  severity: undefined,
  who: undefined,
  hospital: undefined,
  site: undefined,
  model: undefined,
  q: undefined,
}

export const isFiltered = (search: AlertSearch): boolean =>
  Object.keys(NO_FILTERS).some((name) => search[name as keyof AlertSearch] !== undefined)

/** What the address asks for, in all groups. */
export function filterOf({ state = 'open', severity, who, hospital, site, model, q }: AlertSearch): AlertFilter {
  return {
    state,
    ...(severity && { severity }),
    ...(who === 'nobody' && { operator: ['unacknowledged'] as const }),
    ...(who === 'mine' && { holder: ['me'] }),
    ...(hospital !== undefined && { hospital: [hospital] }),
    ...(site !== undefined && { site: [site] }),
    ...(model !== undefined && { model: [model] }),
    ...(q !== undefined && { q }),
  }
}

/** The same, of the open groups only. */
export function ofGroups(filter: AlertFilter, { group, open }: AlertSearch): AlertFilter {
  if (group === undefined || open === undefined) return filter
  return group === 'site' ? { ...filter, site: open.map(Number).filter(Number.isInteger) } : { ...filter, ticket: open }
}
