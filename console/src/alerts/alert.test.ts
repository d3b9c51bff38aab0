import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert } from '../api/client.ts'
import { opens, order } from './alert.ts'

const alert = (more: object) =>
  ({ kind: 'limit', subject: 'tube.voltage', device: { id: 'd1' }, tickets: [], ...more }) as unknown as Alert

test('an alert opens its latest ticket, else its device with the signal it is about', () => {
  assert.deepEqual(opens(alert({ tickets: ['WX1', 'WX2'] })), { at: 'ticket', id: 'WX2' })
  assert.deepEqual(opens(alert({})), { at: 'device', id: 'd1', part: 'tube.voltage' })
  assert.deepEqual(opens(alert({ kind: 'code', subject: 'GEN-KV-01' })), { at: 'device', id: 'd1', part: null })
})

test('what nobody acknowledged comes first', () => {
  const [calm, loud] = ['acknowledged', 'unacknowledged'].map((state) => alert({ operator: { state } }))
  assert.ok(calm && loud && order(loud) < order(calm))
})
