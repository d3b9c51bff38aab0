/** Puts what was told, by the stream or by an answer, into every list that shows it. */

import type { InfiniteData, Query, QueryClient } from '@tanstack/react-query'
import { journals } from '../api/reading.ts'
import type { Language } from '../words/i18n.ts'
import type { AnyKind, Change, Page, Told } from './kind.ts'
import { merge } from './merge.ts'

/** What tells more than a row is asked for again this long after something was told, in ms; a burst asks once. */
const DETAIL_AGAIN_MS = 300
/** Lists that only the server can put in order, and counts. */
const LIST_AGAIN_MS = 1_500

export const summaryOf = (kind: AnyKind): string => `${kind.name}.summary`

/** `lang`: of the texts in the news. */
export function put(queries: QueryClient, lang: Language, news: readonly Told[]): void {
  journals[lang].add(news)
  for (const [kind, changes] of byKind(news)) {
    for (const query of queries.getQueryCache().findAll({ queryKey: [kind.name, lang] })) {
      const list = query.state.data as InfiniteData<Page<unknown>> | undefined
      if (list === undefined) continue
      const merged = merge(kind, query.queryKey[2], list, changes)
      // Not `setData` with a new time: how old the answer is, the request says.
      if (merged.list !== list)
        queries.setQueryData(query.queryKey, merged.list, { updatedAt: query.state.dataUpdatedAt })
      if (merged.ask) soon(queries, query, LIST_AGAIN_MS)
    }
    again(queries, kind, changes)
  }
}

/** All lists of these things and what counts them are asked for again. */
export function lookAgain(queries: QueryClient, kind: AnyKind): void {
  for (const name of [kind.name, summaryOf(kind)]) void queries.invalidateQueries({ queryKey: [name] })
}

/** What counts these things, or shows more of one of them than a row. */
function again(queries: QueryClient, kind: AnyKind, changes: readonly Change<unknown>[]): void {
  for (const query of queries.getQueryCache().findAll({ queryKey: [summaryOf(kind)], type: 'active' }))
    soon(queries, query, LIST_AGAIN_MS)
  const shown = new Map<string, Set<string>>()
  for (const [head, key] of changes.flatMap((change) => kind.shownBy(change)))
    shown.set(head, (shown.get(head) ?? new Set()).add(key))
  for (const [head, keys] of shown) {
    for (const query of queries.getQueryCache().findAll({ queryKey: [head] }))
      if (keys.has(String(query.queryKey[2]))) soon(queries, query, DETAIL_AGAIN_MS)
  }
}

function byKind(news: readonly Told[]): Map<AnyKind, Change<unknown>[]> {
  const found = new Map<AnyKind, Change<unknown>[]>()
  for (const { kind, change } of news) {
    const changes = found.get(kind)
    if (changes === undefined) found.set(kind, [change])
    else changes.push(change)
  }
  return found
}

const waiting = new Set<string>()

/** Asks once, however often it is called within `ms`. */
function soon(queries: QueryClient, query: Query, ms: number): void {
  if (waiting.has(query.queryHash)) return
  waiting.add(query.queryHash)
  setTimeout(() => {
    waiting.delete(query.queryHash)
    void queries.invalidateQueries({ queryKey: query.queryKey, exact: true })
  }, ms)
}
