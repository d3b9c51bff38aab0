import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Series } from '../api/client.ts'
import { prepare } from './prepare.ts'

const limit = (raise_at: number) => ({
  rule: 'r',
  op: 'above',
  raise_at,
  clear: 0,
  for_s: 0,
  severity: 'major',
  advice: '',
})
const series = (points: Partial<Series['points']>, more: Partial<Series> = {}) =>
  ({
    begins: '1970-01-01T00:00:00Z',
    ends: '1970-01-01T00:10:00Z',
    width_s: 60,
    limits: [],
    points: { t: [], lo: [], avg: [], hi: [], n: [], bad: [], ...points },
    ...more,
  }) as unknown as Series

test('a gap in the data is a gap in the picture', () => {
  const drawn = prepare(
    series({
      t: [60_000, 120_000, 300_000],
      lo: [1, null, 3],
      avg: [2, null, 4],
      hi: [3, null, 9],
      n: [5, 0, 5],
      bad: [0, 0, 2],
    }),
  )
  assert.deepEqual(drawn.gaps, [[120, 300]])
  assert.deepEqual(drawn.columns, [
    [60, 120, 300],
    [1, null, 3],
    [2, null, 4],
    [3, null, 9],
  ])
  assert.deepEqual([drawn.lo, drawn.hi, drawn.bad, drawn.last], [1, 9, 2, { at: 300_000, value: 4 }])
})

test('a limit near the data is in the picture, one far away is not', () => {
  const points = { t: [0, 1], lo: [38, 40], avg: [38, 40], hi: [38, 40], n: [1, 1], bad: [0, 0] }
  const drawn = prepare(series(points, { limits: [limit(42), limit(900)] as Series['limits'] }))
  assert.deepEqual(
    drawn.limits.map((each) => each.raise_at),
    [42],
  )
  assert.ok(drawn.y[0] < 38 && drawn.y[1] > 42)
})

test('no data is no picture', () => {
  assert.deepEqual(prepare(series({})).last, null)
})
