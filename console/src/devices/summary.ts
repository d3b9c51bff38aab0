/** What is said of a device in a word or a few. Pure. */

import type { Device } from '../api/client.ts'
import './words.ts'

export const FACTS = ['connected', 'fresh', 'healthy'] as const

/** How a device is, in one word: what of it is abnormal counts, and an unknown is never well. */
/** How a device may be, the worst first. */
export const HOWS = ['ill', 'unknown', 'well'] as const
export type How = (typeof HOWS)[number]

export function summary(device: Device): How {
  if (device.healthy.value === false) return 'ill'
  return FACTS.every((name) => device[name].value === true) ? 'well' : 'unknown'
}

/** Why nobody can tell how it is, though it is heard: a few words for the list. */
const DOUBTS = {
  'facts-refused': 'devices.refuses',
  'equipment-out-of-reach': 'devices.outOfReach',
  'alerts-in-doubt': 'devices.doubted',
} as const

export function doubt(device: Device): (typeof DOUBTS)[keyof typeof DOUBTS] | null {
  const reason = device.healthy.reason
  return reason in DOUBTS ? DOUBTS[reason as keyof typeof DOUBTS] : null
}

export const place = (thing: { hospital: { name: string }; site: { name: string } }): string =>
  `${thing.hospital.name} · ${thing.site.name}`
