/** The list of alerts in groups: headings, each with its alerts below it while it is open. Pure. */

import type { Alert, Schemas } from '../api/client.ts'
import { once } from '../list/hold.ts'

export type Group = Schemas['AlertsCounted']['groups'][number]
export type By = 'site' | 'ticket'

export type Line =
  | { readonly is: 'alert'; readonly key: string; readonly alert: Alert }
  | { readonly is: 'group'; readonly key: string; readonly group: Group; readonly by: By; readonly open: boolean }

/** What an alert's group is called by. */
export const groupOf = (alert: Alert, by: By): string =>
  by === 'site' ? String(alert.site.id) : (alert.tickets.at(-1) ?? 'none')

const lineOf = once((alert: Alert): Line => ({ is: 'alert', key: alert.id, alert }))

export const flat = (alerts: readonly Alert[]): readonly Line[] => alerts.map(lineOf)

/** `groups` as the server counted them; `alerts`: those of the open ones, as far as they were asked for. */
export function grouped(
  groups: readonly Group[],
  open: readonly string[],
  alerts: readonly Alert[],
  by: By,
): readonly Line[] {
  const own = new Map<string, Alert[]>()
  for (const alert of alerts) {
    const key = groupOf(alert, by)
    own.set(key, [...(own.get(key) ?? []), alert])
  }
  return groups.flatMap((group): readonly Line[] => {
    const heading = { is: 'group', key: `group ${group.key}`, group, by, open: open.includes(group.key) } as const
    return heading.open ? [heading, ...flat(own.get(group.key) ?? [])] : [heading]
  })
}

/** The open groups after one of them was opened or closed. */
export function toggled(open: readonly string[] | undefined, key: string): readonly string[] | undefined {
  const now = open ?? []
  const next = now.includes(key) ? now.filter((one) => one !== key) : [...now, key]
  return next.length === 0 ? undefined : next
}
