import { useEffect, useRef, useSyncExternalStore } from 'react'
import { keep, kept } from '../words/i18n.ts'

export type KeyActions = Readonly<Record<string, () => void>>

const KEPT = 'steth.keys'
const listeners = new Set<() => void>()
let on = kept(KEPT) !== 'off'

/** Single-key shortcuts can be turned off (WCAG 2.2, 2.1.4): who dictates or types by switches would set them off. */
export function setKeys(enabled: boolean): void {
  on = enabled
  keep(KEPT, enabled ? 'on' : 'off')
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useKeysOn = (): boolean => useSyncExternalStore(subscribe, () => on)

/** Runs an action when its key is pressed, except while somebody writes or a dialog is open. */
export function useKeys(actions: KeyActions): void {
  const now = useRef(actions)
  useEffect(() => {
    now.current = actions
  })
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
      const target = event.target
      if (target instanceof HTMLElement && target.closest('input:not([type=checkbox]), textarea, select, dialog'))
        return
      const action = now.current[event.key]
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}
