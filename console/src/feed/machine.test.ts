import assert from 'node:assert/strict'
import { test } from 'vitest'
import { elapsed, type Instant, serverOffset } from './clock.ts'
import { begin, type Feed, type FeedEvent, retryWait, SILENT_AFTER_MS, stale, step, view } from './machine.ts'

const DAY = 86_400_000
const at = (ms: number): Instant => ({ wall: 1_795_000_000_000 + ms, mono: ms })
const plain = (type: Exclude<FeedEvent['type'], 'beat'>, ms: number): FeedEvent => ({ type, at: at(ms) })
const run = (feed: Feed, ...events: FeedEvent[]): Feed => events.reduce(step, feed)
const live = run(begin(at(0)), plain('opened', 10), plain('caught-up', 20))

test('nothing is live before the stream has spoken and everything was fetched', () => {
  const feed = begin(at(0))
  assert.equal(view(feed, at(5)), 'connecting')
  assert.equal(view(step(feed, plain('opened', 10)), at(11)), 'connecting')
  assert.equal(view(live, at(21)), 'live')
  assert.equal(view(feed, at(SILENT_AFTER_MS + 1)), 'silent', 'a platform out of reach is no first connection for ever')
})

test('ten seconds of silence are a dead feed, whatever the line looks like', () => {
  assert.equal(view(live, at(10 + SILENT_AFTER_MS)), 'live')
  assert.equal(view(live, at(11 + SILENT_AFTER_MS)), 'silent')
  assert.ok(stale('silent'))
})

test('a short break is told, and values still count; a long one makes them old', () => {
  const lost = step(live, plain('lost', 1_000))
  assert.equal(view(lost, at(1_001)), 'reconnecting')
  assert.ok(!stale('reconnecting'))
  assert.equal(view(lost, at(1_000 + SILENT_AFTER_MS)), 'silent')
  const soon = run(lost, plain('connect', 2_000), plain('opened', 2_100))
  assert.equal(view(soon, at(2_101)), 'live', 'the stream itself tells what was missed')
})

test('after a silence everything is fetched again before it counts', () => {
  const back = run(live, plain('lost', 30_000), plain('connect', 30_500), plain('opened', 31_000))
  assert.equal(view(back, at(31_001)), 'catching-up')
  assert.ok(stale('catching-up'))
  assert.equal(back.good?.mono, 20, 'what is shown was last good when it was')
  assert.equal(view(step(back, plain('caught-up', 31_500)), at(31_501)), 'live')
})

test('a reset means fetching, and an answer that comes too late does not end it', () => {
  const reset = step(live, plain('reset', 500))
  assert.equal(view(reset, at(501)), 'catching-up')
  const lost = run(reset, plain('lost', 600), plain('caught-up', 700))
  assert.equal(lost.caughtUp, false)
})

test('what comes late from a connection that was given up is not speech', () => {
  const lost = step(live, plain('lost', 20_000))
  assert.equal(step(lost, plain('heard', 20_100)).heard?.mono, 10)
})

test('a tab that slept for a day is not live when it wakes, by whichever clock', () => {
  const asleep: Instant = { wall: at(20).wall + DAY, mono: 25 } // the monotonic clock stood still
  const set: Instant = { wall: at(20).wall - DAY, mono: 60_000 } // the wall clock was set back
  assert.equal(view(live, asleep), 'silent')
  assert.equal(view(live, set), 'silent')
  assert.equal(view(step(live, { type: 'heard', at: asleep }), asleep), 'catching-up')
})

test('a platform that hears no devices is not live, although it speaks', () => {
  const blind = step(live, { type: 'beat', at: at(100), taking: false })
  assert.equal(view(blind, at(101)), 'blind')
  assert.ok(stale('blind'))
  assert.equal(view(step(blind, { type: 'beat', at: at(200), taking: true }), at(201)), 'live')
  assert.equal(view(step(blind, { type: 'beat', at: at(200), taking: null }), at(201)), 'live')
})

test('nobody signed in stays so: another session is another feed', () => {
  const out = step(live, plain('refused', 100))
  for (const event of [plain('connect', 200), plain('opened', 300), plain('caught-up', 400)]) {
    assert.equal(view(step(out, event), at(500)), 'signed-out')
  }
})

test('attempts get rarer, differ by luck, and never stop', () => {
  assert.deepEqual(
    [1, 2, 3, 9].map((failures) => retryWait(failures, 1)),
    [500, 1_000, 2_000, 15_000],
  )
  assert.equal(retryWait(9, 0), 7_500)
})

test('time passed is what the further clock says, and never negative', () => {
  assert.equal(elapsed({ wall: 10, mono: 10 }, { wall: 5, mono: 12 }), 2)
  assert.equal(elapsed({ wall: 10, mono: 10 }, { wall: 5, mono: 5 }), 0)
})

test("the server's time survives a slow line and a clock that is set", () => {
  const quick = serverOffset(null, 1_000_100, { wall: 1_000_000, mono: 0 })
  assert.equal(quick, 100)
  assert.equal(serverOffset(quick, 1_001_000, { wall: 1_001_300, mono: 0 }), 100, 'a late beat is no slow clock')
  assert.equal(serverOffset(quick, 1_002_000, { wall: 4_602_000, mono: 0 }), -3_600_000)
})
