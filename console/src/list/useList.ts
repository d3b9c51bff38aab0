import { type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { listQuery } from '../api/reading.ts'
import type { Kind } from '../feed/kind.ts'
import { rowsOf } from '../feed/merge.ts'
import { useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'

export interface List<Item> {
  /** As far as it was asked for, in the API's order. */
  readonly rows: readonly Item[]
  /** There is more of it than `rows`. */
  readonly more: boolean
  /** Asks for the next page, if it isn't being asked for. */
  readonly next: () => void
  /** Another list is being asked for: what is shown is the former one. */
  readonly turning: boolean
  readonly query: UseInfiniteQueryResult
}

/** A list of a kind of things, kept up with the stream. While another filter's is being fetched, the former one stays. */
export function useList<Item, Filter>(kind: Kind<Item, Filter>, filter: Filter): List<Item> {
  const language = useLanguage()
  const { begun } = useLive()
  const query = useInfiniteQuery({
    ...listQuery(kind, language, filter),
    enabled: begun,
    placeholderData: (before) => before,
  })
  const rows = useMemo(() => (query.data === undefined ? [] : rowsOf(kind, query.data)), [kind, query.data])
  return {
    rows,
    more: query.hasNextPage,
    next: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage()
    },
    turning: query.isPlaceholderData,
    query,
  }
}
