import assert from 'node:assert/strict'
import { test } from 'vitest'
import { decide, GIVE_UP_AFTER_MS, type Outcome } from './attempt.ts'

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
