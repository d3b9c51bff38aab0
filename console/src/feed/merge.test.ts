import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Change, Kind } from './kind.ts'
import { Journal, merge, rowsOf } from './merge.ts'

interface Thing {
  readonly id: string
  readonly rank: number
  readonly open: boolean
  readonly version: number
}

interface Filter {
  readonly open: boolean
  readonly q?: string
  readonly sorted?: false
}

const THINGS: Kind<Thing, Filter> = {
  name: 'things',
  key: (thing) => thing.id,
  version: (thing) => thing.version,
  ask: () => Promise.reject(new Error('not asked here')),
  belongs: (thing, { open, q }) => (thing.open !== open ? false : q === undefined ? true : null),
  enters: ({ sorted }) => sorted === false,
  compare: ({ sorted }) => (sorted === false ? null : (one, other) => one.rank - other.rank),
  events: {},
  shownBy: () => [],
}

const thing = (id: string, rank: number, more: Partial<Thing> = {}): Thing => ({
  id,
  rank,
  open: true,
  version: 1,
  ...more,
})
const whole = (item: Thing): Change<Thing> => ({ key: item.id, item })
const list = (next: string | null, ...pages: Thing[][]) => ({
  pages: pages.map((items, at) => ({ items, next: at === pages.length - 1 ? next : `${at}` })),
})
const ids = (of: { list: { pages: readonly { items: readonly Thing[] }[] } }) =>
  of.list.pages.map((page) => page.items.map(({ id }) => id).join('')).join('|')
const OPEN: Filter = { open: true }

test('what is new stands where the API would put it, and what is over leaves', () => {
  const before = list(null, [thing('a', 1), thing('c', 3)], [thing('e', 5)])
  assert.equal(ids(merge(THINGS, OPEN, before, [whole(thing('b', 2))])), 'abc|e')
  assert.equal(ids(merge(THINGS, OPEN, before, [whole(thing('d', 4))])), 'ac|de')
  assert.equal(ids(merge(THINGS, OPEN, before, [whole(thing('f', 6))])), 'ac|ef')
  assert.equal(ids(merge(THINGS, OPEN, before, [whole(thing('c', 3, { open: false, version: 2 }))])), 'a|e')
  assert.equal(ids(merge(THINGS, OPEN, before, [whole(thing('a', 9, { version: 2 }))])), 'c|ea')
})

test('beyond what was asked for nothing is put: its page brings it', () => {
  const before = list('more', [thing('a', 1), thing('c', 3)])
  const merged = merge(THINGS, OPEN, before, [whole(thing('z', 9))])
  assert.equal(merged.list, before)
  assert.equal(merged.ask, false)
})

test('an older version never replaces a newer one, and nothing new is no new list', () => {
  const before = list(null, [thing('a', 1, { version: 5 })])
  assert.equal(merge(THINGS, OPEN, before, [whole(thing('a', 7, { version: 4 }))]).list, before)
  assert.equal(merge(THINGS, OPEN, before, [whole(thing('x', 7, { open: false }))]).list, before)
})

test('what only the server can tell is asked for', () => {
  const before = list(null, [thing('a', 1)])
  assert.deepEqual(merge(THINGS, { open: true, q: 'pump' }, before, [whole(thing('b', 2))]), {
    list: before,
    ask: true,
  })
  const unsorted: Filter = { open: true, sorted: false }
  assert.equal(merge(THINGS, unsorted, before, [whole(thing('b', 2))]).ask, true)
  const stranger = { key: 'stranger', patch: (item: Thing) => item }
  assert.equal(merge(THINGS, unsorted, before, [stranger]).ask, true)
  assert.equal(merge(THINGS, OPEN, before, [stranger]).ask, false)
})

test('a part of a row changes it, in the order it was told', () => {
  const before = list(null, [thing('a', 1)])
  const more = (by: number): Change<Thing> => ({ key: 'a', patch: (item) => ({ ...item, rank: item.rank * 10 + by }) })
  assert.equal(merge(THINGS, OPEN, before, [more(1), more(2)]).list.pages[0]?.items[0]?.rank, 112)
})

test('what is on two pages is one row, the newer', () => {
  const rows = rowsOf(THINGS, list(null, [thing('a', 1)], [thing('a', 1, { version: 3 }), thing('b', 2)]))
  assert.deepEqual(
    rows.map(({ id, version }) => id + version),
    ['a3', 'b1'],
  )
})

test('a journal tells what came since a mark, however much was forgotten', () => {
  const journal = new Journal()
  const one = { kind: THINGS, change: whole(thing('a', 1)) } as never
  journal.add([one])
  const mark = journal.mark()
  journal.add(Array.from({ length: 7_000 }, () => one))
  assert.equal(journal.since(mark).length, 5_000)
  assert.equal(journal.since(journal.mark()).length, 0)
})
