/**
 * What comes first: a few kilobytes that know language and shade and ask who is signed in. Where a ticket was opened on a
 * phone they show its words, whatever the line, and only then fetch the page, which takes over once it has the ticket.
 */

import '../ui/base.css'
import '../app/app.css'
import '../ui/detail.css'
import '../tickets/tickets.css'
import './first.css'
import { shade, THEME } from '../ui/shade.ts'
import { SIDE_BY_SIDE } from '../ui/sizes.ts'
import { describe, kept, preferred } from '../words/chosen.ts'
import { broken, type Gist, ticket, waiting } from './draw.ts'
import { askSession, COVER, over } from './handed.ts'

const language = preferred()

function show(drawn: HTMLElement): void {
  document.getElementById(COVER)?.remove()
  drawn.id = COVER
  document.body.append(drawn)
}

/** A ticket's words; the page says what else there is to say: that nobody is signed in, that there is no such ticket. */
async function words(number: string): Promise<void> {
  document.getElementById('root')?.setAttribute('inert', '')
  addEventListener('popstate', over, { once: true })
  show(waiting(number, language))
  try {
    const answer = await fetch(`/api/v1/tickets/${number}/gist`, { headers: { 'Accept-Language': language } })
    if (answer.ok) show(ticket((await answer.json()) as Gist, language))
    else over()
  } catch {
    over()
  }
}

async function begin(): Promise<void> {
  describe(language)
  shade(kept(THEME))
  askSession(language)
  const [, number] = /^\/tickets\/([A-Z]{2,6}[0-9]{8}-[0-9]{3,14})\/?$/.exec(location.pathname) ?? []
  if (number !== undefined && innerWidth < SIDE_BY_SIDE) await words(number)
  await page()
}

async function page(): Promise<void> {
  try {
    await import('../main.tsx')
  } catch {
    const where = document.querySelector(`#${COVER} .detail`) ?? document.body
    where.append(broken(language, () => location.reload()))
  }
}

void begin()
