/** An address as it was in former links, `#/ticket/WX20261122-007`, is today's path. */
export function formerPath(hash: string): string | null {
  const [, at, id] = hash.split('/')
  if (at === 'ticket' && id) return `/tickets/${id}`
  if (at === 'device' && id) return `/devices/${id}`
  return at !== undefined && ['tickets', 'alerts', 'devices'].includes(at) ? `/${at}` : null
}
