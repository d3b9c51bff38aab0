import assert from 'node:assert/strict'
import { test } from 'vitest'
import { faults, open } from '../testing/page.tsx'

for (const path of ['/alerts', '/tickets', '/devices', '/tickets/WX20261122-007', '/account', '/nowhere', '/']) {
  test(`${path} is there, in both languages, and axe has nothing to say`, async () => {
    for (const language of ['zh', 'en'] as const) {
      const { container } = await open(path, { language })
      assert.equal(container.querySelectorAll('h1').length, 1)
      assert.deepEqual(await faults(container), [])
    }
  })
}
