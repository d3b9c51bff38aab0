import { type RefCallback, useCallback, useEffect, useRef, useState } from 'react'
import { type Arranged, arrange, type Row } from './hold.ts'

interface Held<T> extends Arranged<T> {
  /** For the element that holds the rows: while the pointer or the focus is on it, they stay. */
  readonly ref: RefCallback<HTMLElement>
  /** Show what waits. */
  readonly release: () => void
}

/**
 * A list that stays as it is while somebody's pointer or focus is on it. `scope`: another list than before begins anew; it
 * says too whether another one is still on its way (`turning`), as until then the former one's rows are shown.
 */
export function useHeld<T>(next: readonly T[], key: (item: T) => string, scope: string): Held<T> {
  const [held, setHeld] = useState(false)
  const shown = useRef<{ scope: string; rows: readonly Row<T>[] }>({ scope: '', rows: [] })
  const [, draw] = useState(0)
  const fresh = shown.current.scope !== scope || shown.current.rows.length === 0
  const arranged = arrange(shown.current.rows, next, key, held && !fresh)

  useEffect(() => {
    shown.current = { scope, rows: arranged.rows }
  })

  const ref = useCallback<RefCallback<HTMLElement>>((element) => {
    if (element === null) return undefined
    // A finger leaves no cursor behind, though the browser goes on calling what it touched last hovered.
    const pointed = matchMedia('(hover: hover)').matches ? ':hover, :focus-within' : ':focus-within'
    const look = () => setHeld(element.matches(pointed))
    const later = () => setTimeout(look, 0) // the focus has arrived elsewhere only then
    const events = ['pointerenter', 'pointermove', 'pointerleave', 'focusin'] as const
    for (const name of events) element.addEventListener(name, look)
    element.addEventListener('focusout', later)
    return () => {
      for (const name of events) element.removeEventListener(name, look)
      element.removeEventListener('focusout', later)
    }
  }, [])

  const release = useCallback(() => {
    shown.current = { scope: '', rows: [] }
    draw((drawn) => drawn + 1)
  }, [])

  return { ...arranged, ref, release }
}
