import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Device } from '../api/client.ts'
import { doubt } from './doubt.ts'
import { summary } from './summary.ts'

const fact = (value: boolean | null, reason = '') => ({ value, reason, text: '', age_s: null })
const device = (connected: boolean | null, fresh: boolean | null, healthy: boolean | null, reason = '') =>
  ({ connected: fact(connected), fresh: fact(fresh), healthy: fact(healthy, reason) }) as unknown as Device

test('what is abnormal counts, and an unknown is never well', () => {
  assert.equal(summary(device(true, true, true)), 'well')
  assert.equal(summary(device(false, null, false)), 'ill')
  for (const one of [device(null, true, true), device(true, false, true), device(true, true, null)])
    assert.equal(summary(one), 'unknown')
})

test('why nobody can tell is said of what has words for it', () => {
  assert.equal(doubt(device(true, true, null, 'facts-refused')), 'devices.refuses')
  assert.equal(doubt(device(true, false, null, 'old')), null)
})
