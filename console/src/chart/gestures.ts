/** Looking closer at a range of time: by mouse, by fingers, by keys. One way for all that has a time axis. */

import { type RefObject, useEffect, useRef, useState } from 'react'
import { CHART_KEYS, meant } from '../ui/keys.ts'
import { panned, piece, type Range, zoomed } from './view.ts'

export interface Looking {
  /** What is shown now. */
  readonly range: Range
  /** Another range was chosen; null: the usual one again. */
  readonly onRange: (range: Range | null) => void
  /** So many points further; there is no cursor without it. */
  readonly onStep?: (by: number) => void
  /** Whether the range is another than the usual one. */
  readonly own: boolean
}

export interface Felt {
  /** While fingers move; null: they let go. */
  readonly onPreview: (range: Range | null) => void
  /** The pointer is over this share of the width; null: it left. */
  readonly onPoint?: (share: number | null) => void
}

/** Less than this many px is a click. */
const CLICK = 6
/** Of a range, by a key. */
const [CLOSER, FARTHER, STEP] = [0.5, 2, 0.25]

/**
 * Hears what happens on `area`, whose width is the range: dragging with the mouse chooses a piece of it, one finger moves it
 * sideways, two make it wider or closer; up and down a page scrolls as ever. Returns the piece being chosen, in shares.
 */
export function useLooking(
  area: RefObject<HTMLElement | null>,
  looking: Looking,
  felt: Felt,
): readonly [number, number] | null {
  const now = useRef({ ...looking, ...felt })
  useEffect(() => {
    now.current = { ...looking, ...felt }
  })
  const [chosen, setChosen] = useState<readonly [number, number] | null>(null)
  useEffect(() => {
    const element = area.current
    if (element === null) return undefined
    const down = new Map<number, { readonly begin: number; at: number }>()
    let start: Range | null = null
    let preview: Range | null = null
    const share = (event: PointerEvent) => {
      const { left, width } = element.getBoundingClientRect()
      return width === 0 ? 0 : (event.clientX - left) / width
    }
    const mouse = (event: PointerEvent) => event.pointerType === 'mouse'
    const begin = (event: PointerEvent) => {
      if (event.button !== 0 || down.size >= 2) return
      start ??= now.current.range
      down.set(event.pointerId, { begin: share(event), at: share(event) })
      if (mouse(event)) element.setPointerCapture(event.pointerId)
    }
    const move = (event: PointerEvent) => {
      const finger = down.get(event.pointerId)
      if (finger === undefined) {
        if (mouse(event)) now.current.onPoint?.(share(event))
        return
      }
      finger.at = share(event)
      if (mouse(event)) {
        now.current.onPoint?.(finger.at)
        setChosen([finger.begin, finger.at])
      } else if (start !== null) {
        preview = moved(start, [...down.values()])
        now.current.onPreview(preview)
      }
    }
    const end = (event: PointerEvent) => {
      const finger = down.get(event.pointerId)
      if (finger === undefined) return
      const wide = Math.abs(share(event) - finger.begin) * element.getBoundingClientRect().width > CLICK
      if (mouse(event)) {
        setChosen(null)
        if (wide && start !== null) now.current.onRange(piece(start, finger.begin, share(event)))
      } else if (!wide && down.size === 1 && preview === null) now.current.onPoint?.(finger.begin)
      let_go(event, wide || preview !== null)
    }
    const cancel = (event: PointerEvent) => {
      if (down.has(event.pointerId)) let_go(event, false)
      setChosen(null)
    }
    const let_go = (event: PointerEvent, meant: boolean) => {
      down.delete(event.pointerId)
      if (down.size > 0) return
      if (preview !== null && meant) now.current.onRange(preview)
      now.current.onPreview(null)
      start = preview = null
    }
    const leave = (event: PointerEvent) => {
      if (mouse(event) && down.size === 0) now.current.onPoint?.(null)
    }
    const twice = () => now.current.onRange(null)
    const heard = { pointerdown: begin, pointermove: move, pointerup: end, pointercancel: cancel, pointerleave: leave }
    for (const [name, listener] of Object.entries(heard)) element.addEventListener(name, listener as EventListener)
    element.addEventListener('dblclick', twice)
    return () => {
      for (const [name, listener] of Object.entries(heard)) element.removeEventListener(name, listener as EventListener)
      element.removeEventListener('dblclick', twice)
    }
  }, [area])
  return chosen
}

/** One finger holds the moment under it; two hold both of theirs. */
function moved(start: Range, fingers: readonly { readonly begin: number; readonly at: number }[]): Range {
  const [one, other] = fingers
  if (one === undefined) return start
  if (other === undefined) return panned(start, one.begin - one.at)
  const factor = Math.abs(one.begin - other.begin) / Math.max(Math.abs(one.at - other.at), 0.02)
  const closer = zoomed(start, factor, (one.begin + other.begin) / 2)
  return panned(closer, (one.begin + other.begin) / 2 - (one.at + other.at) / 2)
}

/** What a key does while a chart has the focus; false: it is the page's. */
export function pressed(key: string, shift: boolean, looking: Looking): boolean {
  const { range, onRange, onStep, own } = looking
  const what = meant(CHART_KEYS, key)
  // Nothing to reset: Escape is the page's.
  if (what === undefined || (what === 'reset' && !own)) return false
  if (what === 'closer') onRange(zoomed(range, CLOSER))
  else if (what === 'farther') onRange(zoomed(range, FARTHER))
  else if (what === 'reset') onRange(null)
  else {
    const by = what === 'left' ? -1 : 1
    if (shift || onStep === undefined) onRange(panned(range, by * STEP))
    else onStep(by)
  }
  return true
}
