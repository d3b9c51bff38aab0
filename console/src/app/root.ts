/** The root of the tree of addresses: each subject hangs its pages into it in its `routes.ts`, `router.ts` has them all. */

import { createRootRouteWithContext } from '@tanstack/react-router'
import { Broken, Unknown } from './broken.tsx'
import type { Context } from './guard.ts'
import { Shell } from './shell.tsx'

export const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: Unknown,
  errorComponent: Broken,
})
