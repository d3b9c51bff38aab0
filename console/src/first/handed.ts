/** What comes before the page, and is handed to it. */

import type { WhoAmI } from '../api/client.ts'
import type { Language } from '../words/chosen.ts'

/** In which the first words stand, while the page is made behind them. */
export const COVER = 'first'

let asked: Promise<WhoAmI | null> | null = null

/** Asks who is signed in: while the page is still on its way. */
export function askSession(language: Language): void {
  asked = fetch('/api/v1/session', { headers: { 'Accept-Language': language }, cache: 'no-store' }).then((answer) => {
    if (answer.status === 401) return null
    if (!answer.ok) throw new Error(`${answer.status}`)
    return answer.json() as Promise<WhoAmI>
  })
  asked.catch(() => undefined) // the page asks again, and says what is wrong
}

/** What was asked, once; null: nothing was. */
export function handedSession(): Promise<WhoAmI | null> | null {
  const handed = asked
  asked = null
  return handed
}

/** The page shows what the first words said, or has something else to say. */
export function over(): void {
  document.getElementById(COVER)?.remove()
  document.getElementById('root')?.removeAttribute('inert')
}
