import type { Device } from '../api/client.ts'
import './words.ts'

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
