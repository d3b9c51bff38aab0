import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { viewSearch } from '../chart/view.ts'
import { searchOf } from '../ui/fields.ts'
import { ticketSearch } from './filter.ts'

export const ticketsRoute = createRoute({
  getParentRoute: () => root,
  path: 'tickets',
  validateSearch: ticketSearch,
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./list.tsx'), 'TicketsPage'),
})

export const ticketRoute = createRoute({
  getParentRoute: () => ticketsRoute,
  path: '$number',
  validateSearch: searchOf(viewSearch),
  component: lazyRouteComponent(() => import('./page.tsx'), 'TicketPage'),
})

export const jobsRoute = createRoute({
  getParentRoute: () => root,
  path: 'jobs',
  beforeLoad: needs('tickets.handle'),
  component: lazyRouteComponent(() => import('./jobs.tsx'), 'JobsPage'),
})

export const ticketsRoutes = [ticketsRoute.addChildren([ticketRoute]), jobsRoute]
