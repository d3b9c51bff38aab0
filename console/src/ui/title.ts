import { useEffect, useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let title = ''

/** What is shown names itself, for the tab's title. */
export function useNamed(name: string): void {
  useEffect(() => {
    title = name
    for (const listener of listeners) listener()
  }, [name])
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useTitleOfPage = (): string => useSyncExternalStore(subscribe, () => title)
