/** Where a picture stands that nobody moves for years. Pure. */

export const SHIFT_EVERY_MS = 60_000
const WAY: readonly (readonly [number, number])[] = [
  [0, 0],
  [6, 0],
  [6, 6],
  [0, 6],
  [-6, 6],
  [-6, 0],
  [-6, -6],
  [0, -6],
  [6, -6],
]

/** How far it is moved at its `turn`, in px: a few, and back again. */
export const shift = (turn: number): readonly [number, number] => WAY[turn % WAY.length] ?? [0, 0]
