import { useSyncExternalStore } from 'react'
import { SIDE_BY_SIDE } from './sizes.ts'

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => matchMedia(query).matches,
  )
}

export const useSideBySide = (): boolean => useMedia(`(min-width: ${SIDE_BY_SIDE}px)`)
