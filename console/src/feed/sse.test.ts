import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MAX_PENDING, SseParser } from './sse.ts'

const STREAM =
  '\uFEFFretry: 2000\n\n: hello\r\nid: 7-1\r\nevent: beat\r\ndata: {"a":\r\ndata:1}\r\n\r\ndata: x\rid: 8\r\r\nevent: lonely\n\nid\ndata: y\n\n'
const EVENTS = [
  { type: 'beat', data: '{"a":\n1}', id: '7-1' },
  { type: 'message', data: 'x', id: '8' },
  { type: 'message', data: 'y', id: '' },
]

test('a stream means the same however it is cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const parser = new SseParser()
    const events = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]
    assert.deepEqual(events, EVENTS, `cut at ${cut}`)
  }
  const parser = new SseParser()
  assert.deepEqual(
    [...STREAM].flatMap((letter) => parser.push(letter)),
    EVENTS,
  )
})

test('an event that is not complete is none, and the id of before holds', () => {
  const parser = new SseParser('5')
  assert.deepEqual(parser.push('data: a'), [])
  assert.deepEqual(parser.push('\n'), [])
  assert.deepEqual(parser.push('\n'), [{ type: 'message', data: 'a', id: '5' }])
})

test('a line without end is no stream', () => {
  const parser = new SseParser()
  assert.throws(() => {
    for (let sent = 0; sent <= MAX_PENDING; sent += 65_536) parser.push('x'.repeat(65_536))
  }, RangeError)
})
