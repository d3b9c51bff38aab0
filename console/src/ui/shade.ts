/** Under which name this browser keeps whether somebody chose light or dark. */
export const THEME = 'steth.theme'

/** Shows the page in it; anything but `light` and `dark`: as the system has it. */
export function shade(theme: string | null): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  else delete document.documentElement.dataset.theme
}
