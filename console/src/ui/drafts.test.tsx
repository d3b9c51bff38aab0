import { beforeEach, expect, test, vi } from 'vitest'

/** The module as a page has it that was just loaded. */
async function loaded(account: string) {
  vi.resetModules()
  const drafts = await import('./drafts.ts')
  drafts.draftsOf(account)
  return drafts
}

const WANG = 'wang 1 engineer'

beforeEach(() => sessionStorage.clear())

test('what was written, what it began from and the key of an unanswered sending survive a reload', async () => {
  const before = await loaded(WANG)
  before.keepDraft('site.3', { values: { name: '放射科 ' } })
  before.keepDraft('site.3', { base: { version: 4 } })
  before.keepDraft('site.3', { key: 'k' })
  const after = await loaded(WANG)
  expect(after.draftOf('site.3')).toEqual({ values: { name: '放射科 ' }, base: { version: 4 }, key: 'k' })
  after.dropDraft('site.3')
  expect(sessionStorage.length).toBe(0)
  expect((await loaded(WANG)).draftOf('site.3')).toBeUndefined()
})

test.each(['li 1 engineer', 'wang 2 engineer', 'wang 1 noc'])(
  '%s finds nothing of what another account wrote',
  async (other) => {
    const drafts = await loaded(WANG)
    drafts.keepDraft('report', { values: 'x' })
    // In the same page, and after a reload.
    drafts.draftsOf(other)
    expect(drafts.draftOf('report')).toBeUndefined()
    expect((await loaded(other)).draftOf('report')).toBeUndefined()
    expect((await loaded(WANG)).draftOf('report')).toBeUndefined()
  },
)

test('the oldest go, and what is very long lives as long as the page', async () => {
  const drafts = await loaded(WANG)
  for (let nth = 0; nth < 40; nth += 1) drafts.keepDraft(`form.${nth}`, { values: nth })
  expect(drafts.draftOf('form.9')).toBeUndefined()
  expect(drafts.draftOf('form.10')?.values).toBe(10)
  drafts.keepDraft('form.10', { values: 'x'.repeat(30_000) })
  expect(drafts.draftOf('form.10')?.values).toHaveLength(30_000)
  const after = await loaded(WANG)
  expect(after.draftOf('form.10')).toBeUndefined()
  expect(after.draftOf('form.39')?.values).toBe(39)
})

test.each([
  '{',
  '[]',
  'null',
  '{"of":"wang 1 engineer"}',
  '{"of":"wang 1 engineer","drafts":7}',
  '{"of":"wang 1 engineer","drafts":[7]}',
])('stored %s is nothing', async (text) => {
  sessionStorage.setItem('steth.drafts', text)
  expect((await loaded(WANG)).draftOf('x')).toBeUndefined()
})

test('without storage drafts live as long as the page', async () => {
  const full = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  const drafts = await loaded(WANG)
  drafts.keepDraft('x', { values: 'y' })
  expect(drafts.draftOf('x')?.values).toBe('y')
  full.mockRestore()
})
