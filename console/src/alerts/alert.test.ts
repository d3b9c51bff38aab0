import { expect, test } from 'vitest'
import type { Alert } from '../api/client.ts'
import { lasted, waits } from './alert.ts'

const alert = (more: object) =>
  ({
    condition: 'active',
    operator: { state: 'unacknowledged' },
    ...more,
  }) as unknown as Alert

test('it waits until somebody acknowledges it, also when it is over', () => {
  expect(waits(alert({}))).toBe(true)
  expect(waits(alert({ condition: 'ok' }))).toBe(true)
  expect(waits(alert({ operator: { state: 'acknowledged' } }))).toBe(false)
})

test('it lasts until it is over, and never less than no time', () => {
  const occurred_at = '2026-11-22T04:00:00Z'
  const now = Date.parse('2026-11-22T05:00:00Z')
  expect(lasted({ occurred_at, cleared_at: null }, now)).toBe(3_600_000)
  expect(lasted({ occurred_at, cleared_at: '2026-11-22T04:01:00Z' }, now)).toBe(60_000)
  expect(lasted({ occurred_at, cleared_at: '2026-11-22T03:00:00Z' }, now)).toBe(0)
})
