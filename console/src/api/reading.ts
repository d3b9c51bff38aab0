/** How the page reads: lists page by page, with what the stream told meanwhile put in. The language is part of each query's key:
 * texts come in the reader's own. */

import { infiniteQueryOptions } from '@tanstack/react-query'
import type { Change, Kind, Page } from '../feed/kind.ts'
import { Journal, merge } from '../feed/merge.ts'
import type { Language } from '../words/i18n.ts'

const PAGE_ROWS = 200

/** Values are not on the stream: what one looks at is asked again this often. */
export const LOOK_AGAIN_MS = 10_000

/** What the stream told lately, by the language it told it in; requests that were under way put it into their answers. */
export const journals: Readonly<Record<Language, Journal>> = { zh: new Journal(), en: new Journal() }

/** A list of a kind of thing, in the API's order, as far as somebody looked. */
export const listQuery = <Item, Filter>(kind: Kind<Item, Filter>, lang: Language, filter: Filter) =>
  infiniteQueryOptions({
    queryKey: [kind.name, lang, filter] as const,
    queryFn: async ({ signal, pageParam }): Promise<Page<Item>> => {
      const journal = journals[lang]
      const mark = journal.mark()
      const page = await kind.ask(filter, { next: pageParam, limit: PAGE_ROWS, signal })
      const changes = journal
        .since(mark)
        .filter((told) => told.kind === kind)
        .map((told) => told.change as Change<Item>)
      return merge(kind, filter, { pages: [page] }, changes).list.pages[0] ?? page
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  })

/** All of a list that is short by its nature: sites, models. */
export async function all<Item>(ask: (next: { next?: string }) => Promise<Page<Item>>): Promise<readonly Item[]> {
  const items: Item[] = []
  let next: string | undefined
  do {
    const page = await ask(next === undefined ? {} : { next })
    items.push(...page.items)
    next = page.next ?? undefined
  } while (next !== undefined)
  return items
}
