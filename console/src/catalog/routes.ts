import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import * as z from 'zod/mini'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { words } from '../ui/fields.ts'

export const catalogRoute = createRoute({
  getParentRoute: () => root,
  path: 'catalog',
  validateSearch: z.object({ model: words(), q: words() }),
  beforeLoad: needs('equipment.read'),
  component: lazyRouteComponent(() => import('./page.tsx'), 'CatalogPage'),
})
