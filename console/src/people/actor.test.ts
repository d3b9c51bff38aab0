import assert from 'node:assert/strict'
import { test } from 'vitest'
import { actorOf } from './actor.ts'

test('whoever did it is named, but for the system and for people of another dealer', () => {
  const event = (actor: string, params: Record<string, unknown>) => actorOf({ actor, message: { params } })
  assert.deepEqual(event('wang.li', { who: 'wang.li' }), { name: 'wang.li' })
  assert.equal(event('', { who: '', note: '' }), 'people.former')
  assert.equal(event('', {}), 'people.system')
  assert.equal(event('', { who: 'duty@example.com', attempts: 3 }), 'people.system', 'it names who was to be told')
})
