import type { ReactNode } from 'react'

/** A column of a dense list. */
export interface Column<Item> {
  readonly id: string
  readonly head: string
  readonly cell: (item: Item) => ReactNode
  /** Its width, as CSS has it for a track of a grid. */
  readonly width: string
  /** The list's width from which there is room for it, in px; 0: always. */
  readonly from?: number
  /** How the list is sorted by it, in the API's words. */
  readonly sort?: string
  readonly figure?: boolean
}

/** Rows that somebody picked, by their keys. */
export type Picked = Readonly<Record<string, boolean>>

/** Below this a row is a card of several lines, in px. */
export const CARD_BELOW = 560

/** The columns for which there is room. A card shows them all. */
export function fitting<Item>(columns: readonly Column<Item>[], width: number): readonly Column<Item>[] {
  return width < CARD_BELOW ? columns : columns.filter(({ from = 0 }) => width >= from)
}
