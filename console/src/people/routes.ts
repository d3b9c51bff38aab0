import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../app/root.ts'

export const accountRoute = createRoute({
  getParentRoute: () => root,
  path: 'account',
  component: lazyRouteComponent(() => import('./account.tsx'), 'AccountPage'),
})
