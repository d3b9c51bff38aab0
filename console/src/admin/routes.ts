import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { needs } from '../app/guard.ts'
import { root } from '../app/root.ts'
import { id, oneOf, searchOf, words } from '../ui/fields.ts'

export const ROLES = ['staff', 'manager', 'noc', 'engineer', 'equipment', 'it', 'department'] as const
export const STATES = ['active', 'blocked'] as const
export const TOKEN_KINDS = ['token', 'login', 'browser'] as const

export const accountsRoute = createRoute({
  getParentRoute: () => root,
  path: 'admin/accounts',
  validateSearch: searchOf({ q: words(), role: oneOf(ROLES), state: oneOf(STATES) }),
  beforeLoad: needs('accounts.manage'),
  component: lazyRouteComponent(() => import('./accounts.tsx'), 'AccountsPage'),
})

export const newAccountRoute = createRoute({
  getParentRoute: () => accountsRoute,
  path: 'new',
  // Whose it is to be, where that was chosen before.
  validateSearch: searchOf({ org: id() }),
  component: lazyRouteComponent(() => import('./new-account.tsx'), 'NewAccountPage'),
})

export const personRoute = createRoute({
  getParentRoute: () => accountsRoute,
  path: '$id',
  component: lazyRouteComponent(() => import('./person.tsx'), 'PersonPage'),
})

export const tokensRoute = createRoute({
  getParentRoute: () => root,
  path: 'admin/tokens',
  validateSearch: searchOf({ q: words(), kind: oneOf(TOKEN_KINDS) }),
  beforeLoad: needs('accounts.manage'),
  component: lazyRouteComponent(() => import('./tokens.tsx'), 'TokensPage'),
})

export const recipientsRoute = createRoute({
  getParentRoute: () => root,
  path: 'admin/recipients',
  validateSearch: searchOf({ q: words() }),
  beforeLoad: needs('recipients.manage'),
  component: lazyRouteComponent(() => import('./recipients.tsx'), 'RecipientsPage'),
})

const newRecipient = createRoute({
  getParentRoute: () => recipientsRoute,
  path: 'new',
  component: lazyRouteComponent(() => import('./new-recipient.tsx'), 'NewRecipientPage'),
})

export const recipientRoute = createRoute({
  getParentRoute: () => recipientsRoute,
  path: '$id',
  component: lazyRouteComponent(() => import('./recipient.tsx'), 'RecipientPage'),
})

export const adminRoutes = [
  accountsRoute.addChildren([newAccountRoute, personRoute]),
  tokensRoute,
  recipientsRoute.addChildren([newRecipient, recipientRoute]),
] as const
