import assert from 'node:assert/strict'
import { test } from 'vitest'
import { arrange, neighbour, type Row } from './hold.ts'

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
