import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { viewSearch } from '../chart/view.ts'
import { searchOf } from '../ui/fields.ts'
import { deviceSearch } from './filter.ts'

export const devicesRoute = createRoute({
  getParentRoute: () => root,
  path: 'devices',
  validateSearch: deviceSearch,
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./list.tsx'), 'DevicesPage'),
})

export const deviceRoute = createRoute({
  getParentRoute: () => devicesRoute,
  path: '$id',
  validateSearch: searchOf(viewSearch),
  component: lazyRouteComponent(() => import('./page.tsx'), 'DevicePage'),
})

export const newRoute = createRoute({
  getParentRoute: () => root,
  path: 'devices/new',
  beforeLoad: needs('devices.manage'),
  component: lazyRouteComponent(() => import('./new.tsx'), 'NewDevicePage'),
})

export const changeRoute = createRoute({
  getParentRoute: () => root,
  path: 'devices/$id/change',
  beforeLoad: needs('devices.manage', 'service.manage'),
  component: lazyRouteComponent(() => import('./change.tsx'), 'ChangeDevicePage'),
})

export const reportRoute = createRoute({
  getParentRoute: () => root,
  path: 'devices/$id/report',
  beforeLoad: needs('faults.report'),
  component: lazyRouteComponent(() => import('./report.tsx'), 'ReportPage'),
})

export const devicesRoutes = [devicesRoute.addChildren([deviceRoute]), newRoute, changeRoute, reportRoute] as const
