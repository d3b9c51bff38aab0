import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, GIVE_UP_AFTER_MS, type Outcome } from '../src/act/attempt.ts'
import type { Series } from '../src/api/client.ts'
import { firstSignal } from '../src/chart/first.ts'
import { prepare } from '../src/chart/prepare.ts'
import { arrange, neighbour, type Row } from '../src/list/hold.ts'
import { ageParts } from '../src/words/age.ts'

const key = (item: string) => item[0] ?? ''
const rows = (...items: string[]): Row<string>[] => items.map((item) => ({ key: key(item), item, gone: false }))

test('rows stay under the cursor: changed in place, kept when gone, new ones wait', () => {
  const { rows: shown, waiting } = arrange(rows('a', 'b', 'c'), ['x', 'c', 'a!'], key, true)
  assert.deepEqual(shown, [
    { key: 'a', item: 'a!', gone: false },
    { key: 'b', item: 'b', gone: true },
    { key: 'c', item: 'c', gone: false },
  ])
  assert.deepEqual(waiting, ['x'])
})

test('without a cursor the list is as it came', () => {
  assert.deepEqual(arrange(rows('a', 'b'), ['x', 'a'], key, false), { rows: rows('x', 'a'), waiting: [] })
})

test('j and k stay inside the list', () => {
  assert.equal(neighbour(['a', 'b'], null, 1), 'a')
  assert.equal(neighbour(['a', 'b'], 'b', 1), 'b')
  assert.equal(neighbour(['a', 'b'], 'b', -1), 'a')
  assert.equal(neighbour(['a', 'b'], 'gone', -1), 'a')
  assert.equal(neighbour([], null, 1), null)
})

const answer = (status: number, code = '', retryAfterS: number | null = null): Outcome => ({
  kind: 'answer',
  status,
  code,
  retryAfterS,
})

test('what a person did is retried or told, never lost', () => {
  const cases: [Outcome, string][] = [
    [answer(200), 'done'],
    [answer(204), 'done'],
    [{ kind: 'network' }, 'retry'],
    [answer(500), 'retry'],
    [answer(503), 'retry'],
    [answer(429), 'retry'],
    [answer(408), 'retry'],
    [answer(409, 'busy'), 'retry'],
    [answer(409, 'conflict'), 'conflict'],
    [answer(412, 'changed_meanwhile'), 'conflict'],
    [answer(401), 'sign-in'],
    [answer(403), 'refused'],
    [answer(404), 'refused'],
    [answer(422), 'refused'],
  ]
  for (const [outcome, type] of cases) assert.equal(decide(outcome, 1, 0).type, type, JSON.stringify(outcome))
})

test('tries get rarer, the server may say when, and an end is told', () => {
  assert.deepEqual(
    [1, 2, 9].map((tries) => decide({ kind: 'network' }, tries, 0)),
    [1_000, 2_000, 8_000].map((inMs) => ({ type: 'retry', inMs })),
  )
  assert.deepEqual(decide(answer(503, 'unavailable', 5), 1, 0), { type: 'retry', inMs: 5_000 })
  assert.deepEqual(decide({ kind: 'network' }, 9, GIVE_UP_AFTER_MS), { type: 'given-up' })
  assert.deepEqual(decide(answer(401), 9, GIVE_UP_AFTER_MS), { type: 'sign-in' })
})

test('an age is said in one unit, rounded down', () => {
  const cases: [number, string, number][] = [
    [-5, 'second', 0],
    [59_999, 'second', 59],
    [60_000, 'minute', 1],
    [3_599_999, 'minute', 59],
    [172_799_999, 'hour', 47],
    [172_800_000, 'day', 2],
  ]
  for (const [ms, unit, count] of cases) assert.deepEqual(ageParts(ms), { unit, count })
})

const measured = (...metrics: string[]) =>
  metrics.flatMap((each) => {
    const [metric = '', unit = '1'] = each.split(' ')
    return [1, 2, 3].map(() => ({ metric, unit }))
  })

test('a ticket shows the signal that says most', () => {
  const all = measured(
    'exposure.index',
    'tube.exposures_total',
    'tube.voltage kV',
    'detector.battery %',
    'detector.temperature Cel',
  )
  assert.equal(firstSignal('x', [undefined, 'tube.heat'], all), 'tube.heat')
  assert.equal(firstSignal('detector.temperature', [], all), 'detector.temperature')
  assert.equal(firstSignal('generator.kv', [], all), 'tube.voltage')
  assert.equal(firstSignal('tube.rotor', [], all), 'tube.voltage', 'a counter shows no fault')
  assert.equal(firstSignal('printer', [], all), 'exposure.index')
  assert.equal(firstSignal('detector.link', [], [{ metric: 'detector.battery', unit: '%' }]), 'detector.battery')
  const twice = ['detector.battery %', 'tube.voltage kV'].map((each) => each.split(' '))
  const few = [...twice, ...twice].map(([metric = '', unit = '']) => ({ metric, unit }))
  assert.equal(
    firstSignal('generator.kv', [], few),
    'tube.voltage',
    'two points of what failed tell more than many others',
  )
  assert.equal(firstSignal('printer', [], []), null)
})

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
