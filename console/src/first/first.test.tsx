/** The first words are the page's own, whatever equipment and people are called. */

import { expect, test } from 'vitest'
import { en as ticketsEn, zh as ticketsZh } from '../tickets/words.ts'
import { en as uiEn, zh as uiZh } from '../ui/words.ts'
import { type Gist, ticket } from './draw.ts'
import { WORDS } from './said.ts'

test.each([
  ['zh', { tickets: ticketsZh, ui: uiZh }],
  ['en', { tickets: ticketsEn, ui: uiEn }],
] as const)('%s: they are the words that the page says afterwards', (language, page) => {
  const words = WORDS[language]
  expect(words.status).toEqual(page.tickets.status)
  expect(words.severity).toEqual(page.ui.severity)
  expect([words.stops, words.advice]).toEqual([page.tickets.page.stops, page.tickets.page.advice])
  expect([words.back, words.loading, words.retry]).toEqual([page.ui.back, page.ui.loading, page.ui.panel.retry])
})

const HOSTILE = '<img src=x onerror=alert(1)>"&'

test('what is named like code is text', () => {
  const gist = {
    number: 'WX20261122-007',
    severity: 'critical',
    status: 'new',
    title: { text: HOSTILE },
    device: { name: HOSTILE },
    hospital: { name: HOSTILE },
    site: { name: HOSTILE },
    holder: HOSTILE,
    stops: HOSTILE,
    advice: null,
  } as Gist
  const drawn = ticket(gist, 'zh')
  expect(drawn.querySelector('img')).toBeNull()
  expect(drawn.textContent?.split(HOSTILE)).toHaveLength(7)
  expect(drawn.querySelector('h1')?.textContent).toBe(HOSTILE)
  expect(drawn.textContent).not.toContain(WORDS.zh.advice)
})
