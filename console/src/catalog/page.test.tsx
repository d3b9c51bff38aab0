import assert from 'node:assert/strict'
import { screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { test } from 'vitest'
import { faults, open } from '../testing/page.tsx'

test('the catalog is searched by code, word and advice', async () => {
  const { container, path } = await open('/catalog')
  assert.deepEqual(await faults(container), [])
  assert.ok(container.textContent?.includes('GEN-KV-01'))
  await userEvent.type(screen.getByRole('searchbox'), '高压 电缆')
  await waitFor(() => assert.ok(decodeURIComponent(path()).includes('q=高压')))
  assert.ok(container.textContent?.includes('GEN-KV-01'))
  await userEvent.type(screen.getByRole('searchbox'), ' 没有的词')
  await screen.findByText('没有符合的条目')
})
