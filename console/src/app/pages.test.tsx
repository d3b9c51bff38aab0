import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { faults, open } from '../testing/page.tsx'
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
