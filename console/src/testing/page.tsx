/** A page of ours in jsdom, as somebody sees it who is signed in. */

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router'
import { cleanup, render, waitFor } from '@testing-library/react'
import axe from 'axe-core'
import { ActQueue } from '../act/queue.ts'
import type { WhoAmI } from '../api/client.ts'
import { makeRouter, PATHS } from '../app/router.ts'
import { PageProvider } from '../ui/context.tsx'
import { type Language, speak } from '../words/i18n.ts'
import { type Answers, answering, type Request } from './api.ts'

export interface Shown {
  readonly container: HTMLElement
  readonly asked: readonly Request[]
  readonly path: () => string
}

/** Everything that a manager and a hospital's equipment department may do, together: a test says otherwise. */
export const WHO: WhoAmI = {
  user: 'wang.li',
  role: 'manager',
  org: { id: 1, name: '服务商 Dealer', kind: 'dealer' },
  choose_password: false,
  rights: [
    'own',
    'equipment.read',
    'alerts.handle',
    'tickets.handle',
    'telling.read',
    'devices.manage',
    'sites.manage',
    'contacts.read',
    'contacts.manage',
    'recipients.manage',
    'audit.read',
    'accounts.manage',
    'dealers.manage',
    'service.manage',
  ],
} as WhoAmI

/** Opens an address; waits until nothing is being fetched any more. */
export async function open(
  path: string,
  { answers = {}, who = WHO, language = 'zh' }: { answers?: Answers; who?: WhoAmI; language?: Language } = {},
): Promise<Shown> {
  cleanup()
  await speak(language)
  const asked = answering(answers)
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } },
  })
  const router = makeRouter(who, createMemoryHistory({ initialEntries: [path] }))
  // Without kinds the stream changes nothing.
  const { container } = render(
    <QueryClientProvider client={queries}>
      <PageProvider who={who} session={who} acts={new ActQueue(() => undefined)} kinds={[]} pages={PATHS}>
        <RouterProvider router={router} />
      </PageProvider>
    </QueryClientProvider>,
  )
  await waitFor(
    () => {
      if (container.querySelector('main h1, main h2') === null) throw new Error('no page yet')
      if (container.querySelector('.skeleton') !== null || queries.isFetching() > 0) throw new Error('still loading')
    },
    { timeout: 30_000 },
  )
  return { container, asked, path: () => router.state.location.href }
}

/** What axe finds wrong, each in a line; colours are looked at in a real browser. */
export async function faults(container: HTMLElement): Promise<readonly string[]> {
  const { violations } = await axe.run(container.ownerDocument, { rules: { 'color-contrast': { enabled: false } } })
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
}
