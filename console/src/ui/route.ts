import { useSyncExternalStore } from 'react'

export const LISTS = ['tickets', 'alerts', 'devices'] as const
/** What is shown beside the lists, one thing at a time; `app/pages.tsx` says who draws it. */
export const PAGES = ['ticket', 'device'] as const

type List = (typeof LISTS)[number]
export type PageName = (typeof PAGES)[number]

/** What the page shows, kept in the address, so that it can be sent to somebody: a list, or a thing and perhaps a part of it. */
export type Route =
  | { readonly at: List }
  | { readonly at: PageName; readonly id: string; readonly part?: string | null }

export function parse(hash: string): Route {
  const [, at, id, part] = hash.split('/').map((each) => {
    try {
      return decodeURIComponent(each)
    } catch {
      return ''
    }
  })
  const page = PAGES.find((one) => one === at)
  if (page !== undefined && id) return { at: page, id, part: part || null }
  return { at: LISTS.find((one) => one === at) ?? LISTS[0] }
}

export function href(route: Route): string {
  const named = 'id' in route ? [route.at, route.id, ...(route.part ? [route.part] : [])] : [route.at]
  return `#/${named.map(encodeURIComponent).join('/')}`
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
