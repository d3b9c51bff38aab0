/** Light or dark: as the system has it, or as somebody chose here. */

import { useSyncExternalStore } from 'react'
import { keep, kept } from '../words/i18n.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEPT = 'steth.theme'
const listeners = new Set<() => void>()
let theme: Theme = THEMES.find((one) => one === kept(KEPT)) ?? 'system'

function show(): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  for (const listener of listeners) listener()
}

export function beginTheme(): void {
  show()
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', show)
}

export function choose(chosen: Theme): void {
  theme = chosen
  keep(KEPT, chosen)
  show()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What was chosen. */
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => theme)

/** Which of the two is shown: for what draws by itself. */
export const useShade = (): 'light' | 'dark' =>
  useSyncExternalStore(subscribe, () =>
    theme === 'system' ? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark') : theme,
  )
