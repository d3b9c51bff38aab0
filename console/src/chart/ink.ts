/** The colours of the page for what draws by itself, and when they change. */

import { useEffect, useReducer } from 'react'

const NAMES = [
  'line',
  'text',
  'text-2',
  'grid',
  'edge-2',
  'band',
  'bg-1',
  'critical',
  'major',
  'minor',
  'warning',
] as const
export type Ink = Readonly<Record<(typeof NAMES)[number], string>> & { readonly font: string }

/** As an element has them now: each token is resolved by the browser, whatever it is made of. */
export function inkOf(element: HTMLElement): Ink {
  const probe = element.ownerDocument.createElement('span')
  probe.hidden = true
  element.append(probe)
  const style = getComputedStyle(probe)
  const found = NAMES.map((name) => {
    probe.style.setProperty(name === 'bg-1' ? 'background-color' : 'color', `var(--${name})`)
    return [name, name === 'bg-1' ? style.backgroundColor : style.color]
  })
  const font = style.fontFamily
  probe.remove()
  return { ...(Object.fromEntries(found) as Record<(typeof NAMES)[number], string>), font }
}

const CAUSES = ['(prefers-color-scheme: light)', '(prefers-contrast: more)', '(forced-colors: active)', 'print']

/** Grows whenever the colours of the page may have changed: by the system, by hand, or as it goes to paper. */
export function useInkAge(): number {
  const [age, older] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    const media = CAUSES.map((cause) => matchMedia(cause))
    for (const each of media) each.addEventListener('change', older)
    const seen = new MutationObserver(older)
    seen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      for (const each of media) each.removeEventListener('change', older)
      seen.disconnect()
    }
  }, [])
  return age
}
