/** What was told, put into what lists show. Pure: a list that nothing changed in is returned as it was. */

import type { Change, Kind, Page, Told } from './kind.ts'

/** A list as far as it was asked for, page by page. */
export interface Pages<Item> {
  readonly pages: readonly Page<Item>[]
}

export interface Merged<List> {
  readonly list: List
  /** What was told can't be put in its place from here: the server must be asked again. */
  readonly ask: boolean
}

export function merge<Item, Filter, List extends Pages<Item>>(
  kind: Kind<Item, Filter>,
  filter: Filter,
  list: List,
  changes: readonly Change<Item>[],
): Merged<List> {
  const news = new Map<string, Change<Item>[]>()
  for (const change of changes) news.set(change.key, [...(news.get(change.key) ?? []), change])
  let ask = false
  let touched = false
  const moved: Item[] = []
  const pages = list.pages.map((page) => {
    let differs = false
    const items: Item[] = []
    for (const item of page.items) {
      const of = news.get(kind.key(item))
      if (of === undefined) {
        items.push(item)
        continue
      }
      news.delete(kind.key(item))
      const after = of.reduce((before, change) => applied(kind, before, change), item)
      if (after === item) {
        items.push(item)
        continue
      }
      differs = true
      const belongs = kind.belongs(after, filter)
      if (belongs === null) ask = true
      if (belongs === false) continue
      const compare = kind.compare(filter)
      if (compare === null || compare(item, after) === 0) items.push(after)
      else moved.push(after)
    }
    if (!differs) return page
    touched = true
    return { ...page, items }
  })
  for (const of of news.values()) {
    const last = of.at(-1)
    if (last === undefined) continue
    if (!('item' in last)) {
      ask ||= kind.enters(filter)
      continue
    }
    const belongs = kind.belongs(last.item, filter)
    if (belongs === null) ask = true
    else if (belongs) moved.push(last.item)
  }
  const compare = kind.compare(filter)
  if (moved.length > 0 && compare === null) ask = true
  if (compare !== null) {
    for (const item of moved) touched = put(pages, item, compare) || touched
  }
  return touched ? { list: { ...list, pages }, ask } : { list, ask }
}

/** Puts an item before the first that comes after it; false where its place is beyond what was asked for. */
function put<Item>(pages: Page<Item>[], item: Item, compare: (one: Item, other: Item) => number): boolean {
  for (const [at, page] of pages.entries()) {
    const place = page.items.findIndex((one) => compare(item, one) < 0)
    const isLast = at === pages.length - 1
    if (place < 0 && !(isLast && page.next === null)) continue
    const items = place < 0 ? [...page.items, item] : [...page.items.slice(0, place), item, ...page.items.slice(place)]
    pages[at] = { ...page, items }
    return true
  }
  return false
}

function applied<Item, Filter>(kind: Kind<Item, Filter>, before: Item, change: Change<Item>): Item {
  if ('patch' in change) return change.patch(before)
  return kind.version(before) > kind.version(change.item) ? before : change.item
}

/** All rows, each once: a thing that moved between two pages that were asked for at different times is in both. */
export function rowsOf<Item, Filter>(kind: Kind<Item, Filter>, list: Pages<Item>): readonly Item[] {
  const rows = new Map<string, Item>()
  for (const page of list.pages) {
    for (const item of page.items) {
      const there = rows.get(kind.key(item))
      if (there === undefined || kind.version(there) < kind.version(item)) rows.set(kind.key(item), item)
    }
  }
  return [...rows.values()]
}

const KEPT_EVENTS = 5_000

/**
 * What was told lately, so that an answer that was under way meanwhile doesn't undo it: a request takes a `mark`, and puts
 * what came `since` into its answer.
 */
export class Journal {
  #told: Told[] = []
  #dropped = 0

  add(told: readonly Told[]): void {
    this.#told = this.#told.concat(told)
    const over = this.#told.length - KEPT_EVENTS
    if (over <= 0) return
    this.#dropped += over
    this.#told = this.#told.slice(over)
  }

  mark(): number {
    return this.#dropped + this.#told.length
  }

  since(mark: number): readonly Told[] {
    return this.#told.slice(Math.max(mark - this.#dropped, 0))
  }
}
