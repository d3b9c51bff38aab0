import { useEffect, useRef, useSyncExternalStore } from 'react'
import { keep, kept } from '../words/i18n.ts'

type Keys = Readonly<Record<string, readonly string[]>>

/** Anywhere, by what they do, as events call them. The help names all of these tables; a key that isn't in one isn't bound. */
export const KEYS = {
  next: ['j'],
  previous: ['k'],
  search: ['/'],
  acknowledge: ['a'],
  receive: ['r'],
  undo: ['u'],
  fresh: ['n'],
  help: ['?'],
  leave: ['Escape'],
} as const satisfies Keys

/** On a list's row. */
export const ROW_KEYS = {
  open: ['Enter'],
  pick: [' '],
  down: ['ArrowDown'],
  up: ['ArrowUp'],
  pageDown: ['PageDown'],
  pageUp: ['PageUp'],
  first: ['Home'],
  last: ['End'],
} as const satisfies Keys

/** On a chart; with Shift, left and right move what is shown. */
export const CHART_KEYS = {
  left: ['ArrowLeft'],
  right: ['ArrowRight'],
  closer: ['+', '='],
  farther: ['-', '_'],
  reset: ['0', 'Escape'],
} as const satisfies Keys

/** What a key does by a table; undefined: nothing. */
export const meant = <Table extends Keys>(table: Table, key: string): keyof Table | undefined =>
  Object.keys(table).find((what) => table[what]?.includes(key))

export type KeyActions = Readonly<Partial<Record<keyof typeof KEYS, () => void>>>

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
      const what = meant(KEYS, event.key)
      const action = what === undefined ? undefined : now.current[what]
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}
