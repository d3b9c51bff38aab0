import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { ACTIONS } from './actions.ts'

test('whatever the server can note has words', () => {
  const server = readFileSync(new URL('../../../people/audit/actions.json', import.meta.url), 'utf8')
  assert.deepEqual([...ACTIONS].sort(), (JSON.parse(server) as string[]).sort())
})
