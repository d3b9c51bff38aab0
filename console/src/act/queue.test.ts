import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Deed } from './queue.ts'

Object.assign(globalThis, { location: { origin: 'http://localhost' } })
const { ActQueue } = await import('./queue.ts')
const { Failure } = await import('../api/client.ts')

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A deed that is answered so, one answer a try. */
function deed(...answers: (Error | null)[]): Deed & { keys: string[]; told: string[] } {
  const keys: string[] = []
  const told: string[] = []
  return {
    keys,
    told,
    target: 'a1',
    send: async (key) => {
      keys.push(key)
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return () => void told.push('done')
    },
    look: async () => told.push('look'),
  }
}

test('what is under way is not begun again', async () => {
  const queue = new ActQueue(() => undefined)
  const [one, other] = [deed(null), deed(null)]
  queue.do(one)
  queue.do(other)
  await turn()
  assert.deepEqual([one.told, other.keys, queue.get()], [['done'], [], []])
})

test('who was too late sees how it is now, and decides again', async () => {
  const queue = new ActQueue(() => undefined)
  const late = deed(new Failure(412, 'changed_meanwhile'))
  queue.do(late)
  await turn()
  assert.deepEqual([late.told, queue.get().map((act) => act.state)], [['look'], ['conflict']])
  const again = deed(null)
  queue.do(again)
  await turn()
  assert.deepEqual([again.told, queue.get()], [['done'], []])
})

test('what was not sent for want of a session goes out after the next login, with the same key', async () => {
  const ends: string[] = []
  const queue = new ActQueue(() => ends.push('out'))
  const kept = deed(new Failure(401, 'unauthenticated'), null)
  queue.do(kept)
  await turn()
  assert.deepEqual([ends, queue.get().map((act) => act.state)], [['out'], ['sign-in']])
  queue.signedIn()
  await turn()
  assert.deepEqual([kept.told, new Set(kept.keys).size, kept.keys.length], [['done'], 1, 2])
})
