import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { id, searchOf, words } from '../ui/fields.ts'

/** `entry`: the one that is shown whole, by its position; `org`: of whose chain, for the platform; days as YYYY-MM-DD. */
export const auditSearch = searchOf({
  q: words(),
  actor: words(),
  action: words(),
  from: words(),
  to: words(),
  org: id(),
  entry: id(),
})

export const auditRoute = createRoute({
  getParentRoute: () => root,
  path: 'admin/audit',
  validateSearch: auditSearch,
  beforeLoad: needs('audit.read'),
  component: lazyRouteComponent(() => import('./page.tsx'), 'AuditPage'),
})
