import { useSyncExternalStore } from 'react'

/** From here on a list and what was chosen of it stand side by side, in px. */
const SIDE_BY_SIDE = 1_100

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
