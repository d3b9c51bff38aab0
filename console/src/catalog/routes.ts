import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { searchOf, words } from '../ui/fields.ts'

export const catalogRoute = createRoute({
  getParentRoute: () => root,
  path: 'catalog',
  validateSearch: searchOf({ model: words(), q: words() }),
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./page.tsx'), 'CatalogPage'),
})
