import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Series } from '../api/client.ts'
import { csv, occurrencesOf, prepare } from './prepare.ts'

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
    marks: [],
    unheard: [],
    set: null,
    runs: null,
    per_event: false,
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

test('silence is a gap, unless what was measured meanwhile came later', () => {
  const silent = { kind: 'silence', begins: '1970-01-01T00:02:00Z', ends: null }
  const before = { t: [60_000], lo: [1], avg: [1], hi: [1], n: [1], bad: [0] }
  assert.deepEqual(prepare(series(before, { unheard: [silent] as Series['unheard'] })).gaps, [[120, 600]])
  const late = { t: [180_000], lo: [1], avg: [1], hi: [1], n: [1], bad: [0] }
  assert.deepEqual(prepare(series(late, { unheard: [silent] as Series['unheard'] })).gaps, [])
})

test('what was asked for is in the picture with what was delivered', () => {
  const points = { t: [0, 1_000], lo: [300, 310], avg: [300, 310], hi: [300, 310], n: [1, 1], bad: [0, 0] }
  const set = { metric: 'exposure.target_index', name: 'target', t: [0, 1_000], value: [400, null] }
  const both = series(points, { set, per_event: true, metric: 'exposure.index', unit: '1' })
  const drawn = prepare(both)
  assert.deepEqual([drawn.set, drawn.line], [[[0, 400]], false])
  assert.ok(drawn.y[1] > 400)
  const [head, first, second] = csv(both).split('\r\n')
  assert.equal(head, 'time,exposure.index [1],lowest,highest,readings,bad,exposure.target_index')
  assert.equal(first, '1970-01-01T00:00:00.000Z,300,300,300,1,0,400')
  assert.equal(second, '1970-01-01T00:00:01.000Z,310,310,310,1,0,')
})

const mark = (rule: string, minute: number) => ({
  rule,
  alert: `${rule} ${minute}`,
  begins: new Date(minute * 60_000).toISOString(),
  ends: null,
  severity: 'major',
  again: [],
  text: '',
})

test('every occurrence of the same is named, and the fault among them', () => {
  const marks = [mark('limit:hot', 1), mark('fault:X', 2), mark('limit:hot', 5)] as unknown as Series['marks']
  const all = series({}, { marks })
  const of = (about: Parameters<typeof occurrencesOf>[1]) =>
    occurrencesOf(all, about).map((each) => [each.from, each.main])
  assert.deepEqual(of({ at: 300_400, severity: 'major', rule: 'limit:hot' }), [
    [60, false],
    [300, true],
  ])
  assert.deepEqual(of({ at: 90_000, severity: 'major', rule: 'limit:hot' }), [
    [60, false],
    [90, true],
    [300, false],
  ])
  assert.deepEqual(of(null), [], 'of a device: of the limits of its signal')
})
