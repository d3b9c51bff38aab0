import assert from 'node:assert/strict'
import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { test } from 'vitest'
import type { WhoAmI } from '../api/client.ts'
import { open, WHO } from '../testing/page.tsx'
import { type Entry, hashOf } from './chain.ts'

const WEI: WhoAmI = { ...WHO, user: 'wei', role: 'it', org: { id: 2, name: '第一人民医院', kind: 'hospital' } }

/** Three entries, the latest first. */
function chain(): Entry[] {
  let previous = '00'.repeat(32)
  return [1, 2, 3]
    .map((position) => {
      const entry: Entry = {
        ...{ id: position, position, org: 2, at: '2026-11-22T04:00:00Z', actor: 'wang.li', action: 'ticket-take' },
        ...{ subject: 'ticket:WX', detail: { note: '' }, previous, hash: '' },
      }
      previous = hashOf(entry)
      return { ...entry, hash: previous }
    })
    .reverse()
}

async function verified(items: readonly Entry[], end: Entry | undefined) {
  const user = userEvent.setup()
  await open('/admin/audit', {
    who: WEI,
    answers: {
      'GET /api/v1/audit': { items, next: null },
      'GET /api/v1/audit/head': { chain: 1, org: 2, entries: 3, hash: end?.hash, signed: null },
    },
  })
  await user.click(screen.getByRole('button', { name: '现在验证' }))
  return user
}

test('a whole chain is said to be whole, against what, and what that does not show', async () => {
  const entries = chain()
  await verified(entries, entries[0])
  await screen.findByText(/完整：3 条记录全部重算/)
  assert.ok(screen.getByText(/服务器所说的末端：共 3 条/))
  assert.ok(screen.getByText(/没有您自己保存的链头/))
  assert.ok(screen.getByText(/只有您自己保存的链头/))
})

test('where it is broken is said in words', async () => {
  const entries = chain()
  await verified(
    entries.map((entry) => (entry.position === 2 ? { ...entry, actor: 'nobody' } : entry)),
    entries[0],
  )
  await screen.findByText(/从第 2 条起不完整/)
  assert.ok(screen.getByText(/第 2 条的内容与写入时不符/))
})

test('a head that somebody kept shows that all of it was written anew', async () => {
  const entries = chain()
  const user = userEvent.setup()
  await open('/admin/audit', {
    who: WEI,
    answers: {
      'GET /api/v1/audit': { items: entries, next: null },
      'GET /api/v1/audit/head': { chain: 1, org: 2, entries: 3, hash: entries[0]?.hash, signed: null },
    },
  })
  const kept = JSON.stringify({ org: 2, entries: 1, hash: 'ab'.repeat(32) })
  await user.upload(screen.getByLabelText(/您自己保存的链头/), new File([kept], 'heads.jsonl'))
  await screen.findByText(/1 个链头/)
  await user.click(screen.getByRole('button', { name: '现在验证' }))
  await screen.findByText(/第 1 条与保存的链头不符/)
})
