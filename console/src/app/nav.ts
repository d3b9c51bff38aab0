/** The sections of the page, and where each kind of person begins. */

import type { WhoAmI } from '../api/client.ts'

export interface Section {
  readonly to: string
  /** Its name: a word of the bar. */
  readonly name: string
  /** The right that it needs, by its name in `people/rights.toml`. */
  readonly right: string
}

const HOMES: Readonly<Record<string, Section>> = {
  staff: { to: '/inbox', name: 'inbox', right: 'alerts.handle' },
  noc: { to: '/inbox', name: 'inbox', right: 'alerts.handle' },
  engineer: { to: '/jobs', name: 'jobs', right: 'tickets.handle' },
  manager: { to: '/overview', name: 'overview', right: 'equipment.read' },
}
const OURS: Section = { to: '/ours', name: 'ours', right: 'equipment.read' }

/** Where somebody begins, by what they are: a hospital's people with what is theirs. */
export const homeOf = (who: WhoAmI): Section => HOMES[who.role] ?? OURS

const SECTIONS: readonly Section[] = [
  { to: '/alerts', name: 'alerts', right: 'equipment.read' },
  { to: '/tickets', name: 'tickets', right: 'equipment.read' },
  { to: '/devices', name: 'devices', right: 'equipment.read' },
]

const ASIDE: readonly Section[] = [
  { to: '/wall', name: 'wall', right: 'alerts.handle' },
  { to: '/catalog', name: 'catalog', right: 'equipment.read' },
  { to: '/admin/places', name: 'places', right: 'contacts.read' },
  { to: '/admin/accounts', name: 'accounts', right: 'accounts.manage' },
  { to: '/admin/tokens', name: 'tokens', right: 'accounts.manage' },
  { to: '/admin/recipients', name: 'recipients', right: 'recipients.manage' },
  { to: '/admin/audit', name: 'audit', right: 'audit.read' },
]

/** What one goes to all day, and what seldom. A page that isn't there yet isn't offered: `pages` are the tree's paths. */
export function sections(
  who: WhoAmI,
  pages: ReadonlySet<string>,
): { daily: readonly Section[]; aside: readonly Section[] } {
  const may = ({ to, right }: Section) => who.rights.includes(right) && pages.has(to)
  return { daily: [homeOf(who), ...SECTIONS].filter(may), aside: ASIDE.filter(may) }
}
