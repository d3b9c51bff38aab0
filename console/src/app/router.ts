/** All addresses of the page, and what draws them. */

import { createRoute, createRouter, type RouterHistory, redirect } from '@tanstack/react-router'
import { adminRoutes } from '../admin/routes.ts'
import { alertsRoutes } from '../alerts/routes.ts'
import type { WhoAmI } from '../api/client.ts'
import { auditRoute } from '../audit/routes.ts'
import { catalogRoute } from '../catalog/routes.ts'
import { devicesRoutes } from '../devices/routes.ts'
import { homeRoutes } from '../home/routes.ts'
import { inboxRoute, wallRoute } from '../noc/routes.ts'
import { accountRoute } from '../people/routes.ts'
import { placesRoutes } from '../places/routes.ts'
import { ticketsRoutes } from '../tickets/routes.ts'
import { parseSearch, stringifySearch } from '../ui/search.ts'
import { Pending } from './broken.tsx'
import { homeOf } from './nav.ts'
import { root } from './root.ts'

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: ({ context }) => {
    const { to } = homeOf(context.who)
    throw redirect({ href: PATHS.has(to) ? to : '/tickets', replace: true })
  },
})

const tree = root.addChildren([
  home,
  alertsRoutes,
  ...ticketsRoutes,
  ...devicesRoutes,
  catalogRoute,
  ...homeRoutes,
  inboxRoute,
  wallRoute,
  accountRoute,
  placesRoutes,
  auditRoute,
  ...adminRoutes,
])

/** Every address that leads somewhere, as its route has it: `/tickets/$number`. */
export const PATHS: ReadonlySet<string> = new Set(paths(tree as unknown as Node))

interface Node {
  readonly options?: { readonly path?: string }
  readonly children?: unknown
}

function paths(node: Node, above = ''): string[] {
  const path = node.options?.path
  const here = path === undefined || path === '/' ? above : `${above}/${path}`
  const children = Object.values((node.children ?? {}) as Record<string, Node>)
  return [here === '' ? '/' : here, ...children.flatMap((child) => paths(child, here))]
}

/** `history`: the browser's own, but in tests. */
export const makeRouter = (who: WhoAmI, history?: RouterHistory) =>
  createRouter({
    routeTree: tree,
    context: { who },
    ...(history === undefined ? {} : { history }),
    parseSearch,
    stringifySearch,
    defaultPendingComponent: Pending,
    defaultPendingMs: 200,
    // What a page shows is fetched by the page, and kept up by the stream.
    defaultPreload: 'intent',
    scrollRestoration: false,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
