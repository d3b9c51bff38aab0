import assert from 'node:assert/strict'
import { userEvent } from '@testing-library/user-event'
import { expect, test } from 'vitest'
import { faults, open } from '../testing/page.tsx'
import { CHART_KEYS, KEYS, ROW_KEYS } from '../ui/keys.ts'
import { PATHS } from './router.ts'

for (const path of ['/alerts', '/tickets', '/devices', '/tickets/WX20261122-007', '/account', '/nowhere', '/']) {
  test(`${path} is there, and axe has nothing to say`, async () => {
    const { container } = await open(path)
    assert.equal(container.querySelectorAll('h1').length, 1)
    assert.deepEqual(await faults(container), [])
  })
}

test('every address of the tree is in the list that is opened in a real browser: `tools/console.sh test -u` adds it', async () => {
  await expect(`${JSON.stringify([...PATHS].sort(), null, 2)}\n`).toMatchFileSnapshot('paths.json')
})

test('the help names every key that does something', async () => {
  const { container } = await open('/account', { language: 'en' })
  await userEvent.setup().keyboard('?')
  const named = [...container.querySelectorAll('dialog[open] kbd')].map(({ textContent }) => textContent)
  const bound = [KEYS, ROW_KEYS, CHART_KEYS].flatMap((table) => Object.values(table).flat())
  expect(named).toHaveLength(bound.length)
  for (const key of ['j', 'k', 'a', 'r', 'u', 'n', '/', '?', 'Esc', 'Space', 'Enter', '↓', 'PgDn', '0'])
    expect(named).toContain(key)
  expect(await faults(container)).toEqual([])
})
