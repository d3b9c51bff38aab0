import assert from 'node:assert/strict'
import { test } from 'vitest'
import { ticks, tickWords } from './ticks.ts'

test('marks stand at round moments, and as many as there is room for', () => {
  const { step, at } = ticks({ from: 61_000, to: 661_000 }, 6)
  assert.deepEqual([step, at], [120_000, [120_000, 240_000, 360_000, 480_000, 600_000]])
  const year = ticks({ from: 0, to: 3_000 * 86_400_000 }, 6)
  assert.ok(year.at.length <= 9)
})

test('a day is said at midnight, seconds only where they differ', () => {
  const midnight = new Date(2026, 10, 22).getTime()
  assert.equal(tickWords(midnight, 3_600_000, 'en'), '22/11')
  assert.equal(tickWords(midnight + 3_600_000, 3_600_000, 'en'), '01:00')
  assert.equal(tickWords(midnight + 5_000, 5_000, 'en'), '00:00:05')
})
