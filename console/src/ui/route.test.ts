import assert from 'node:assert/strict'
import { test } from 'node:test'
import { href, parse, type Route } from './route.ts'

test('an address names what is shown, whatever its name is made of', () => {
  const routes: Route[] = [
    { at: 'alerts' },
    { at: 'ticket', id: 'WX20261122-001', part: null },
    { at: 'device', id: 'd/1 ü', part: 'tube.voltage' },
  ]
  for (const route of routes) assert.deepEqual(parse(href(route)), route)
  assert.equal(href({ at: 'device', id: 'd1' }), '#/device/d1')
})

test('an address that names nothing is the tickets', () => {
  for (const hash of ['', '#/', '#/nothing/1', '#/ticket', '#/device/%', '#/device/'])
    assert.deepEqual(parse(hash), { at: 'tickets' }, hash)
})
