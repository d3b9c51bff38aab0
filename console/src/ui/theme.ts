/** Light or dark: as the system has it, or as somebody chose here. */

import { useSyncExternalStore } from 'react'
import { keep, kept } from '../words/chosen.ts'
import { shade, THEME } from './shade.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const listeners = new Set<() => void>()
let theme: Theme = THEMES.find((one) => one === kept(THEME)) ?? 'system'

function show(): void {
  shade(theme)
  for (const listener of listeners) listener()
}

export function beginTheme(): void {
  show()
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', show)
}

export function choose(chosen: Theme): void {
  theme = chosen
  keep(THEME, chosen)
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
