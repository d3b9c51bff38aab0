import assert from 'node:assert/strict'
import { test } from 'vitest'
import { ageParts } from './age.ts'

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
