import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import type { ActQueue } from '../act/queue.ts'
import type { WhoAmI } from '../api/client.ts'
import { PageProvider } from '../ui/context.tsx'
import { draftsOf } from '../ui/drafts.ts'
import { KINDS } from './kinds.ts'
import { makeRouter, PATHS } from './router.ts'

/** Somebody's page; another person's is another page. */
export default function Signed({ who, session, acts }: { who: WhoAmI; session: WhoAmI | null; acts: ActQueue }) {
  const [router] = useState(() => {
    draftsOf(`${who.user} ${who.org.id} ${who.role}`)
    return makeRouter(who)
  })
  return (
    <PageProvider who={who} session={session} acts={acts} kinds={KINDS} pages={PATHS}>
      <RouterProvider router={router} />
    </PageProvider>
  )
}
