import assert from 'node:assert/strict'
import { test } from 'vitest'
import { faults, open } from '../testing/page.tsx'

for (const path of ['/alerts', '/tickets', '/devices', '/tickets/WX20261122-007', '/account', '/nowhere', '/']) {
  test(`${path} is there, and axe has nothing to say`, async () => {
    const { container } = await open(path)
    assert.equal(container.querySelectorAll('h1').length, 1)
    assert.deepEqual(await faults(container), [])
  })
}
