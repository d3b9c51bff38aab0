import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'vitest'
import { canonical, csv, Descent, type Entry, type Head, hashOf, headsOf } from './chain.ts'
import { sha256 } from './sha256.ts'

const by = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('the digest is that of everybody else, at every length of a block', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + length) % 256)
    assert.equal(sha256(bytes), by(bytes))
  }
})

/** Three entries as the API gives them: the latest first. */
function chain(): Entry[] {
  let previous = '00'.repeat(32)
  return ['李娜 "a"\n', 'b', 'c']
    .map((actor, nth) => {
      const at = nth === 1 ? '2026-11-22T04:00:00.120000Z' : '2026-11-22T04:00:00Z'
      const entry = { id: nth + 9, position: nth + 1, org: 2, at, actor, action: 'x', subject: 's', previous, hash: '' }
      const whole: Entry = { ...entry, detail: { z: 1, a: '备注', m: null } }
      previous = hashOf(whole)
      return { ...whole, hash: previous }
    })
    .reverse()
}

test('what is hashed is what the server hashes', () => {
  const [, second] = chain()
  assert.ok(second)
  assert.equal(
    canonical(second),
    '{"action":"x","actor":"b","at":"2026-11-22T04:00:00.120000Z","detail":{"a":"备注","m":null,"z":1},"org":2,"subject":"s"}',
  )
  const bytes = Buffer.concat([Buffer.from(canonical(second)), Buffer.from(second.previous, 'hex')])
  assert.equal(hashOf(second), by(bytes))
})

function walked(entries: readonly Entry[], heads: readonly Head[] = []) {
  const descent = new Descent(2, heads)
  for (const entry of entries) descent.step(entry)
  descent.end()
  return descent.broken
}

const head = (entries: number, hash: string): Head => ({ org: 2, entries, hash })

test('a whole chain is whole, against what was kept of it too', () => {
  const entries = chain()
  assert.equal(walked(entries, [head(3, entries[0]?.hash ?? ''), head(2, entries[1]?.hash ?? '')]), null)
  assert.equal(walked([]), null)
})

const CASES: Record<string, [(entries: Entry[]) => Entry[], number, string]> = {
  changed: [([c, b, a]) => [c, { ...b, actor: 'nobody' }, a] as Entry[], 2, 'changed'],
  'a hash that was put in': [([c, b, a]) => [c, { ...b, hash: 'ff'.repeat(32) }, a] as Entry[], 2, 'changed'],
  removed: [([c, , a]) => [c, a] as Entry[], 2, 'unlinked'],
  'the first removed': [([c, b]) => [c, b] as Entry[], 1, 'unlinked'],
  'the last removed': [([, b, a]) => [b, a] as Entry[], 3, 'cut'],
  'all removed': [() => [], 1, 'cut'],
  foreign: [
    ([c, b, a]) => {
      const other = { ...b, org: 3 } as Entry
      return [c, { ...other, hash: hashOf(other) }, a] as Entry[]
    },
    2,
    'foreign',
  ],
  'two changed: the lower one counts': [
    ([c, b, a]) => [{ ...c, subject: 'x' }, { ...b, subject: 'x' }, a] as Entry[],
    2,
    'changed',
  ],
}

for (const [name, [harm, position, fault]] of Object.entries(CASES))
  test(`${name}: it is said where`, () => {
    const entries = chain()
    assert.deepEqual(walked(harm(entries), [head(3, entries[0]?.hash ?? '')]), { position, fault })
  })

test('a chain that fits but is another one than the head that was kept is rewritten', () => {
  assert.deepEqual(walked(chain(), [head(2, 'ab'.repeat(32))]), { position: 2, fault: 'rewritten' })
})

test('kept heads are read line by line, and other lines are no harm', () => {
  const line = JSON.stringify({ at: 'x', chain: 1, org: 2, entries: 3, hash: 'ab', key: 'k', signature: 's' })
  assert.deepEqual(headsOf(`Subject: head\r\n${line}\n\n`), [{ org: 2, entries: 3, hash: 'ab' }])
  assert.equal(headsOf('nothing'), null)
})

test('a cell is no formula', () => {
  const [entry] = chain()
  assert.ok(entry)
  assert.ok(csv([{ ...entry, actor: '=1+"1"' }]).includes(`"'=1+""1"""`))
})
