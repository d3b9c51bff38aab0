import { type QueryKey, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Page } from '../feed/kind.ts'
import type { List } from '../list/useList.ts'
import { useLive } from '../ui/context.tsx'

const PAGE_ROWS = 200

/** A list of what the stream doesn't tell of, page by page: asked anew each time it is opened. */
export function useRows<Item>(
  key: QueryKey,
  ask: (page: { next?: string; limit: number }, signal: AbortSignal) => Promise<Page<Item>>,
): List<Item> {
  const { begun } = useLive()
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      ask({ limit: PAGE_ROWS, ...(pageParam === undefined ? {} : { next: pageParam }) }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    enabled: begun,
    refetchOnMount: 'always',
    placeholderData: (before) => before,
  })
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
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

/** One thing of such a list. */
export function useOne<Item>(key: QueryKey, ask: (signal: AbortSignal) => Promise<Item>) {
  const { begun } = useLive()
  return useQuery({ queryKey: key, queryFn: ({ signal }) => ask(signal), enabled: begun, refetchOnMount: 'always' })
}
