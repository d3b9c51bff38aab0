import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'

export const inboxRoute = createRoute({
  getParentRoute: () => root,
  path: 'inbox',
  beforeLoad: needs('alerts.handle'),
  component: lazyRouteComponent(() => import('./inbox.tsx'), 'InboxPage'),
})

export const wallRoute = createRoute({
  getParentRoute: () => root,
  path: 'wall',
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./wall.tsx'), 'WallPage'),
})
