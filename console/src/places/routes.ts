import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { searchOf, words } from '../ui/fields.ts'

export const placesRoute = createRoute({
  getParentRoute: () => root,
  path: 'admin/places',
  validateSearch: searchOf({ q: words() }),
  beforeLoad: needs('contacts.read', 'sites.manage'),
  component: lazyRouteComponent(() => import('./list.tsx'), 'PlacesPage'),
})

const newPlace = createRoute({
  getParentRoute: () => placesRoute,
  path: 'new',
  beforeLoad: needs('sites.manage'),
  component: lazyRouteComponent(() => import('./new.tsx'), 'NewPlacePage'),
})

const newDealer = createRoute({
  getParentRoute: () => placesRoute,
  path: 'new-dealer',
  beforeLoad: needs('dealers.manage'),
  component: lazyRouteComponent(() => import('./new-dealer.tsx'), 'NewDealerPage'),
})

export const placeRoute = createRoute({
  getParentRoute: () => placesRoute,
  path: '$id',
  component: lazyRouteComponent(() => import('./place.tsx'), 'PlacePage'),
})

export const placesRoutes = placesRoute.addChildren([newPlace, newDealer, placeRoute])
