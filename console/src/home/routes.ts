import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'

const overviewRoute = createRoute({
  getParentRoute: () => root,
  path: 'overview',
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./overview.tsx'), 'OverviewPage'),
})

const oursRoute = createRoute({
  getParentRoute: () => root,
  path: 'ours',
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./ours.tsx'), 'OursPage'),
})

export const homeRoutes = [overviewRoute, oursRoute] as const
