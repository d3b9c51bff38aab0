import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Schemas, Series } from '../api/client.ts'
import { kept } from './kept.ts'
import { prepare } from './prepare.ts'

const none = { t: [], lo: [], avg: [], hi: [], n: [], bad: [] }
const series = {
  metric: 'tube.voltage',
  name: 'kV',
  unit: 'kV',
  begins: '2026-11-22T02:00:00Z',
  ends: '2026-11-22T03:00:00Z',
  resolution: '1h',
  width_s: 3_600,
  gap_s: null,
  limits: [],
  marks: [],
  unheard: [],
  set: null,
  runs: null,
  per_event: false,
  points: none,
} as unknown as Series
const evidence = {
  begins: '2026-11-22T02:25:00Z',
  ends: '2026-11-22T02:40:00Z',
  frozen_at: '2026-11-22T02:41:00Z',
  cut: false,
  signals: [
    {
      metric: 'tube.voltage',
      name: 'kV',
      unit: 'kV',
      t: [1_795_314_300_000, 1_795_314_360_000, 1_795_314_420_000],
      value: [80, 999, 81],
      quality: [0, 2, 1],
    },
  ],
  events: [],
} as unknown as Schemas['TicketEvidence']

test('where the readings are gone the ticket’s own copy is drawn, and its bad ones only counted', () => {
  const drawn = prepare(kept(series, evidence))
  assert.deepEqual([drawn.lo, drawn.hi, drawn.bad], [80, 81, 1])
  assert.deepEqual(drawn.last, { at: 1_795_314_420_000, value: 81 })
})

test('as long as there are readings, they are drawn', () => {
  const there = { ...series, points: { t: [1], lo: [1], avg: [1], hi: [1], n: [1], bad: [0] } }
  assert.equal(kept(there, evidence), there)
})

test('a signal that the copy lacks stays as it is', () => {
  const other = { ...series, metric: 'other' }
  assert.equal(kept(other, evidence), other)
  assert.equal(kept(series, undefined), series)
})

test('readings of after the fault do not stand for those of before it', () => {
  const t = Date.parse(evidence.ends) + 1
  const after = { ...series, points: { t: [t], lo: [1], avg: [1], hi: [1], n: [1], bad: [0] } }
  assert.deepEqual(prepare(kept(after, evidence)).hi, 81)
})
