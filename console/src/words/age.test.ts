import assert from 'node:assert/strict'
import { test } from 'vitest'
import { ageParts, inWords } from './age.ts'

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

test('what is said in the same words is one duration, the shortest', () => {
  const cases: [number, number][] = [
    [-5, 0],
    [59_999, 59_000],
    [119_999, 60_000],
    [3_600_001, 3_600_000],
    [172_799_999, 47 * 3_600_000],
    [259_199_999, 172_800_000],
  ]
  for (const [ms, shortest] of cases) assert.equal(inWords(ms), shortest)
})
