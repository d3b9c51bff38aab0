/** A ticket's words without the page: elements and text, nothing that could be code. */

import type { Schemas } from '../api/client.ts'
import { SHAPES } from '../ui/shapes.ts'
import type { Language } from '../words/chosen.ts'
import { WORDS } from './said.ts'

export type Gist = Schemas['TicketGist']

function element(name: string, className: string, ...inside: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(name)
  if (className !== '') made.className = className
  made.append(...inside)
  return made
}

/** Names go in whatever direction they are written. */
const named = (name: string): HTMLElement => element('bdi', '', name)

function mark(severity: Gist['severity'], word: string): HTMLElement {
  const space = 'http://www.w3.org/2000/svg'
  const shape = document.createElementNS(space, 'svg')
  for (const [name, value] of [
    ['viewBox', '0 0 16 16'],
    ['width', '14'],
    ['height', '14'],
    ['fill-rule', 'evenodd'],
    ['aria-hidden', 'true'],
  ] as const)
    shape.setAttribute(name, value)
  const path = document.createElementNS(space, 'path')
  path.setAttribute('d', SHAPES[severity])
  shape.append(path)
  return element('span', `severity severity-${severity}`, shape, word)
}

/** The page's frame with these inside, as a phone has it; `number` is the ticket's. */
function framed(language: Language, ...inside: readonly Node[]): HTMLElement {
  const back = element('a', 'back', `← ${WORDS[language].back}`) as HTMLAnchorElement
  back.href = '/tickets'
  return element(
    'div',
    'first',
    element('header', 'bar', element('span', 'brand', 'Steth ', element('span', 'brand-zh', '听诊'))),
    element('main', 'main', element('div', 'detail', back, ...inside)),
  )
}

/** While the words are on their way. */
export const waiting = (number: string, language: Language): HTMLElement =>
  framed(language, element('h1', 'title', number), element('p', 'muted', WORDS[language].loading))

export function ticket(gist: Gist, language: Language): HTMLElement {
  const words = WORDS[language]
  const said = (
    [
      [words.stops, gist.stops, `gist-stops edge-${gist.severity}`],
      [words.advice, gist.advice, ''],
    ] as const
  ).filter(([, text]) => text)
  return framed(
    language,
    element(
      'header',
      'detail-head',
      element(
        'p',
        'row-head',
        mark(gist.severity, words.severity[gist.severity]),
        element('span', 'badge', words.status[gist.status]),
        ...(gist.holder === '' ? [] : [named(gist.holder)]),
        element('span', 'number big', gist.number),
      ),
      element('h1', 'title', gist.title.text),
      element('p', 'muted', named(gist.device.name), ' · ', named(gist.hospital.name), ' · ', named(gist.site.name)),
    ),
    ...(said.length === 0
      ? []
      : [
          element(
            'dl',
            'gist',
            ...said.map(([name, text, className]) =>
              element('div', className, element('dt', '', name), element('dd', '', text ?? '')),
            ),
          ),
        ]),
  )
}

/** Below whatever stands there: the rest doesn't come. */
export function broken(language: Language, again: () => void): HTMLElement {
  const retry = element('button', 'button', WORDS[language].retry)
  retry.addEventListener('click', again)
  return element('p', 'first-broken', WORDS[language].broken, ' ', retry)
}
