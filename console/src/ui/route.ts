import { useSyncExternalStore } from 'react'

/** What the page shows beside its lists: kept in the address, so that it can be sent to somebody. */
export type Route =
  | { readonly at: 'ticket'; readonly number: string }
  | { readonly at: 'device'; readonly id: string; readonly metric: string | null }
  | { readonly at: 'tickets' | 'alerts' | 'devices' }

export function parse(hash: string): Route {
  const [, at, id, metric] = hash.split('/').map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return ''
    }
  })
  if (at === 'ticket' && id) return { at, number: id }
  if (at === 'device' && id) return { at, id, metric: metric || null }
  return { at: at === 'alerts' || at === 'devices' ? at : 'tickets' }
}

export function href(route: Route): string {
  switch (route.at) {
    case 'ticket':
      return `#/ticket/${encodeURIComponent(route.number)}`
    case 'device':
      return `#/device/${encodeURIComponent(route.id)}${route.metric === null ? '' : `/${encodeURIComponent(route.metric)}`}`
    default:
      return `#/${route.at}`
  }
}

const subscribe = (listener: () => void) => {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

export function useRoute(): Route {
  return parse(useSyncExternalStore(subscribe, () => location.hash))
}

export function go(route: Route): void {
  location.hash = href(route)
}
