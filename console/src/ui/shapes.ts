import type { Severity } from '../api/client.ts'

/** Shapes first: the four differ without any colour. Paths in a square of 16. */
export const SHAPES: Readonly<Record<Severity, string>> = {
  critical: 'M5 1h6l4 4v6l-4 4H5l-4-4V5zM7.2 4l.3 5h1l.3-5zM8 10.5a1 1 0 1 0 0 2 1 1 0 0 0 0-2z',
  major: 'M8 1.5 15.2 14H.8zM7.3 6l.3 4h.8l.3-4zM8 10.9a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8z',
  minor: 'M8 1.2 14.8 8 8 14.8 1.2 8z',
  warning: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6z',
}
