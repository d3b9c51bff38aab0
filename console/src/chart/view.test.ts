import assert from 'node:assert/strict'
import { test } from 'vitest'
import { searchOf } from '../ui/fields.ts'
import { bounded, chosen, LASTS, panned, piece, SHORTEST, spanOf, viewSearch, zoomed } from './view.ts'

const around = { from: 1_000_000, to: 2_000_000 }
const search = searchOf(viewSearch)

test('what an address asks for is shown, what it mistypes is left out', () => {
  const own = search({ signal: 'tube.voltage', from: '1795314300000', to: 1_795_314_360_000, last: 'year' })
  assert.deepEqual(spanOf(own, around), { from: 1_795_314_300_000, to: 1_795_314_360_000 })
  assert.deepEqual([own.signal, chosen(own, around)], ['tube.voltage', 'own'])
  const bad = search({ signal: '<b>', from: 'yesterday', to: '1795314360000' })
  assert.deepEqual([bad.signal, spanOf(bad, around), chosen(bad, around)], [undefined, around, 'around'])
  const none = { signal: undefined, last: undefined, from: undefined, to: undefined }
  assert.deepEqual(search({}), none, 'what is not there overrides what the router would go on with')
  assert.deepEqual(spanOf({ last: 'week' }, around), { last: LASTS.week })
  assert.deepEqual([spanOf({}, null), chosen({}, null)], [{ last: LASTS.day }, 'day'])
  const turned = { from: 1_795_314_360_000, to: 1_795_314_300_000 }
  assert.deepEqual(spanOf(turned, around), around)
})

test('a range is looked into and left again, around the moment that was pointed at', () => {
  assert.deepEqual(zoomed({ from: 0, to: 100 }, 0.5, 0.2), { from: 10, to: 60 })
  assert.deepEqual(zoomed(zoomed({ from: 0, to: 100 }, 0.5, 0.2), 2, 0.2), { from: 0, to: 100 })
  assert.deepEqual(panned({ from: 0, to: 100 }, -0.25), { from: -25, to: 75 })
  assert.deepEqual(piece({ from: 0, to: 100 }, 0.8, 0.5), { from: 50, to: 80 })
  assert.deepEqual(piece({ from: 0, to: 100 }, -1, 2), { from: 0, to: 100 })
})

test('no range is too short, too long, or in the future', () => {
  const short = bounded({ from: 500_000, to: 500_001 }, 1_000_000)
  assert.ok(short.to - short.from >= SHORTEST)
  const ahead = bounded({ from: 990_000, to: 1_090_000 }, 1_000_000)
  assert.deepEqual(ahead, { from: 900_000, to: 1_000_000 })
})
