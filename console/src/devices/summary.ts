/** What is said of a device in a word or a few. Pure. */

import type { Device } from '../api/client.ts'

export const FACTS = ['connected', 'fresh', 'healthy'] as const

/** How a device may be, the worst first. */
export const HOWS = ['ill', 'unknown', 'well'] as const
export type How = (typeof HOWS)[number]

/** How a device is, in one word: what of it is abnormal counts, and an unknown is never well. */
export function summary(device: Device): How {
  if (device.healthy.value === false) return 'ill'
  return FACTS.every((name) => device[name].value === true) ? 'well' : 'unknown'
}

export const place = (thing: { hospital: { name: string }; site: { name: string } }): string =>
  `${thing.hospital.name} · ${thing.site.name}`
