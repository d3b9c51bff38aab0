/** How the page reads: lists page by page, with what the stream told meanwhile put in. The language is part of each query's key:
 * texts come in the reader's own. */

import { Journal } from '../feed/merge.ts'

/** What a list shows at most; beyond it, it says so. */
export const MOST_ROWS = 1_000
const PAGE_ROWS = 200

/** Values are not on the stream: what one looks at is asked again this often. */
export const LOOK_AGAIN_MS = 10_000

/** What the stream told lately; requests that were under way put it into their answers. */
export const journal = new Journal()

export interface Listed<T> {
  readonly items: readonly T[]
  /** There are more than these. */
  readonly more: boolean
}

interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

export async function pages<T>(most: number, ask: (next: string | undefined) => Promise<Page<T>>): Promise<Listed<T>> {
  const items: T[] = []
  let next: string | undefined
  do {
    const page = await ask(next)
    items.push(...page.items)
    next = page.next ?? undefined
  } while (next !== undefined && items.length < most)
  return { items, more: next !== undefined }
}

export const given = (next: string | undefined) => ({ limit: PAGE_ROWS, ...(next === undefined ? {} : { next }) })
