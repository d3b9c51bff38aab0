/** From here on a list and what was chosen of it stand side by side, in px. */
export const SIDE_BY_SIDE = 1_100
