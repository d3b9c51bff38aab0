/** What jsdom lacks of a browser: sizes, above all. */

import { cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'
import { beginWords } from '../words/i18n.ts'
import '../words/subjects.ts'

class Watcher {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.assign(globalThis, {
  ResizeObserver: Watcher,
  matchMedia: (query: string) => ({
    matches: query.includes('min-width') || query.includes('hover'),
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }),
  scrollTo: () => undefined,
})
// A desk's width, so that lists have rows in sight.
for (const [name, size] of [
  ['offsetWidth', 1_200],
  ['clientWidth', 1_200],
  ['offsetHeight', 700],
  ['clientHeight', 700],
] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size })
HTMLElement.prototype.scrollTo = () => undefined
// What is drawn on a canvas is looked at in a real browser.
const drawing: object = new Proxy(() => drawing, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => 0 : drawing),
  set: () => true,
})
HTMLCanvasElement.prototype.getContext = (() => drawing) as never
Object.assign(globalThis, { Path2D: new Proxy(class {}, { construct: () => drawing }) })
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true
}
HTMLDialogElement.prototype.close ??= function close(this: HTMLDialogElement) {
  this.open = false
}

await beginWords()
afterEach(cleanup)
