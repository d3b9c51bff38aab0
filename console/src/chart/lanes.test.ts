import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Schemas, Series } from '../api/client.ts'
import { rowsOf, stripOf } from './lanes.ts'

const minute = (at: number): string => new Date(at * 60_000).toISOString()
const span = { severity: null, alert: null, ticket: null, text: 'x' }

test('what lasts reaches until now, and no bar begins before the picture', () => {
  const timeline = {
    begins: minute(10),
    ends: minute(60),
    now: minute(50),
    lanes: [
      {
        key: 'heard',
        kind: 'heard',
        name: 'h',
        spans: [{ ...span, begins: minute(5), ends: minute(20) }],
        moments: [],
      },
      {
        key: 'fault:A',
        kind: 'fault',
        name: 'f',
        spans: [{ ...span, severity: 'critical', begins: minute(30), ends: null }],
        moments: [{ at: minute(30), text: 'told' }],
      },
    ],
  } as unknown as Schemas['Timeline']
  const [heard, fault] = rowsOf(timeline)
  assert.deepEqual(heard?.bars, [{ from: 600_000, to: 1_200_000, tone: 'lost', text: 'x', open: false }])
  assert.deepEqual(fault?.bars, [{ from: 1_800_000, to: 3_000_000, tone: 'critical', text: 'x', open: true }])
  assert.deepEqual(fault?.dots, [{ at: 1_800_000, text: 'told' }])
})

test('what overlaps lies on lines of its own', () => {
  const spans = [
    { ...span, begins: minute(1), ends: minute(4) },
    { ...span, begins: minute(2), ends: minute(3) },
    { ...span, begins: minute(4), ends: null },
  ]
  const timeline = {
    begins: minute(0),
    ends: minute(9),
    now: minute(9),
    lanes: [{ key: 'ticket', kind: 'ticket', name: 't', spans, moments: [] }],
  } as unknown as Schemas['Timeline']
  assert.deepEqual(
    rowsOf(timeline).map((row) => row.bars.map((bar) => bar.from / 60_000)),
    [[1, 4], [2]],
  )
})

test('a run beyond a limit has its severity, one of several values has none', () => {
  const series = {
    metric: 'm',
    name: 'n',
    limits: [
      { op: 'below', raise_at: 0.5, severity: 'minor' },
      { op: 'below', raise_at: 0.5, severity: 'major' },
    ],
    runs: [
      { begins: 1, ends: 2, value: 1, n: 3 },
      { begins: 3, ends: 4, value: 0, n: 1 },
      { begins: 5, ends: 6, value: null, n: 9 },
    ],
  } as unknown as Series
  const strip = stripOf(series, (value) => String(value))
  assert.deepEqual(
    strip?.bars.map((bar) => [bar.tone, bar.text]),
    [
      ['plain', '1'],
      ['major', '0'],
      ['mixed', 'null'],
    ],
  )
  assert.equal(
    stripOf({ ...series, runs: null }, () => ''),
    null,
  )
})
