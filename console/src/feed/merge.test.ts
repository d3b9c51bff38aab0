import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert, Device, Ticket } from '../api/client.ts'
import type { Listed } from '../api/reading.ts'
import { Journal, mergeAlert, mergeDevices, mergeTicket, strangers, type Told } from './merge.ts'

const alert = (id: string, second: number, more: Partial<Alert> = {}) =>
  ({
    id,
    version: 0,
    condition: 'active',
    occurred_at: `2026-11-22T04:00:0${second}Z`,
    tickets: [],
    ...more,
  }) as unknown as Alert
const list = <T>(...items: T[]): Listed<T> => ({ items, more: false })
const ids = (listed: Listed<{ id: string | number }>) => listed.items.map((item) => item.id)

test('a new alert comes where the API would have it: the latest first', () => {
  const before = list(alert('c', 5), alert('a', 1))
  assert.deepEqual(ids(mergeAlert(before, 'open', alert('b', 3))), ['c', 'b', 'a'])
  assert.deepEqual(ids(mergeAlert(before, 'open', alert('d', 9))), ['d', 'c', 'a'])
  assert.deepEqual(ids(mergeAlert(before, 'open', alert('0', 0))), ['c', 'a', '0'])
})

test('an alert moves from list to list with its condition', () => {
  const open = list(alert('a', 1), alert('b', 0))
  const over = alert('a', 1, { condition: 'ok' })
  assert.deepEqual(ids(mergeAlert(open, 'open', over)), ['b'])
  assert.deepEqual(ids(mergeAlert(list<Alert>(), 'over', over)), ['a'])
  const untouched = list<Alert>()
  assert.equal(mergeAlert(untouched, 'pending', over), untouched)
  assert.deepEqual(ids(mergeAlert(open, 'open', alert('a', 1, { condition: 'no-data' }))), ['a', 'b'])
})

test('an older version never replaces a newer one', () => {
  const now = list(alert('a', 1, { version: 2 }))
  assert.equal(mergeAlert(now, 'open', alert('a', 1, { version: 1 })), now)
  assert.equal(mergeAlert(now, 'open', alert('a', 1, { version: 3 })).items[0]?.version, 3)
})

test('a closed ticket leaves the open ones', () => {
  const ticket = (number: string, status: string) =>
    ({ id: 1, number, status, version: 1, opened_at: '2026-11-22T04:00:00Z' }) as unknown as Ticket
  assert.deepEqual(ids(mergeTicket(list(ticket('1', 'new')), 'open', ticket('1', 'closed'))), [])
  assert.deepEqual(ids(mergeTicket(list<Ticket>(), 'closed', ticket('1', 'closed'))), [1])
})

const fact = (value: boolean | null) => ({ value, reason: 'r', text: 't', since: '2026-11-22T03:59:50Z' })
const told: Told = {
  type: 'devices',
  now: '2026-11-22T04:00:00Z',
  items: [
    {
      id: 'd1',
      connected: fact(false),
      fresh: fact(null),
      healthy: fact(true),
      last_seen: null,
      open_alerts: 3,
      open_tickets: 1,
    },
  ],
}
const device = (id: string) => ({ id, name: id, open_alerts: 0, last_seen: null }) as unknown as Device

test('facts of a device are put in its row, and of one that is not listed it is fetched', () => {
  const before = list(device('d1'), device('d2'))
  const [first, second] = mergeDevices(before, told).items
  assert.equal(first?.connected.value, false)
  assert.equal(first?.connected.age_s, 10)
  assert.equal(first?.open_alerts, 3)
  assert.equal(second, before.items[1])
  assert.equal(strangers(before, told), false)
  assert.equal(strangers(list(device('d2')), told), true)
  const unheard = list(device('d9'))
  assert.equal(mergeDevices(unheard, told), unheard)
})

test('that a device was heard again changes its time and nothing else', () => {
  const [row] = mergeDevices(list(device('d1')), { type: 'seen', seen: { d1: 1_795_320_000_000 } }).items
  assert.deepEqual(row, { ...device('d1'), last_seen: '2026-11-22T04:00:00.000Z' })
})

test('an answer that was under way does not undo what was told meanwhile', () => {
  const journal = new Journal()
  journal.add({ type: 'alert', alert: alert('old', 1) })
  const mark = journal.mark()
  journal.add({ type: 'alert', alert: alert('new', 2) })
  assert.deepEqual(
    journal.since(mark).map((each) => each.type === 'alert' && each.alert.id),
    ['new'],
  )
  for (let nth = 0; nth < 20_000; nth += 1) journal.add({ type: 'seen', seen: {} })
  const late = journal.mark()
  journal.add(told)
  assert.deepEqual(journal.since(late), [told])
  assert.ok(journal.since(0).length < 10_000, 'it forgets')
})
