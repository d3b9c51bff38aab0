import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { viewSearch } from '../chart/view.ts'
import { searchOf } from '../ui/fields.ts'
import { alertSearch } from './filter.ts'

export const alertsRoute = createRoute({
  getParentRoute: () => root,
  path: 'alerts',
  validateSearch: alertSearch,
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./list.tsx'), 'AlertsPage'),
})

export const alertRoute = createRoute({
  getParentRoute: () => alertsRoute,
  path: '$id',
  validateSearch: searchOf(viewSearch),
  component: lazyRouteComponent(() => import('./page.tsx'), 'AlertPage'),
})

export const alertsRoutes = alertsRoute.addChildren([alertRoute])
