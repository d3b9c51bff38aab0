/** A kind of thing that lists show and the stream tells of. Each subject has one in its `kind.ts`; `app/kinds.ts` has them all. */

import type { Language } from '../words/i18n.ts'

/** A page of a list, as the API gives it. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** The cursor of the next one; null: this is the last. */
  readonly next: string | null
}

/** What was told of one thing: how it is now, whole or in part. */
export type Change<Item> = { readonly key: string } & (
  | { readonly item: Item }
  | { readonly patch: (item: Item) => Item }
)

/** What a page is asked with, besides its filter. */
export interface Asked {
  readonly next: string | undefined
  readonly limit: number
  readonly signal: AbortSignal
}

export interface Kind<Item, Filter> {
  /** The first part of the keys of its lists. */
  readonly name: string
  readonly key: (item: Item) => string
  /** Grows with each change; what is older never replaces what is newer. */
  readonly version: (item: Item) => number
  readonly ask: (filter: Filter, asked: Asked) => Promise<Page<Item>>
  /** Whether an item is one of the list with this filter; null: only the server can tell. */
  readonly belongs: (item: Item, filter: Filter) => boolean | null
  /** Whether a change that is told in part may bring a thing into the list with this filter. */
  readonly enters: (filter: Filter) => boolean
  /** Which of two comes first, as the API orders them; null: only the server can tell. */
  readonly compare: (filter: Filter) => ((one: Item, other: Item) => number) | null
  /** What an event of the stream, by its name, changes. */
  readonly events: Readonly<Record<string, (data: never) => readonly Change<Item>[]>>
  /** Whether what happened to them while the stream was away is told by nobody: their lists are asked for again. */
  readonly unlogged?: true
  /** What else shows the thing: the first part of a query's key, and the thing's own. */
  readonly shownBy: (change: Change<Item>) => readonly (readonly [string, string])[]
}

// biome-ignore lint/suspicious/noExplicitAny: the registry holds kinds of all things, and each of them knows its own
export type AnyKind = Kind<any, any>

/** What was told, by the stream or by an answer. */
export interface Told {
  readonly kind: AnyKind
  readonly change: Change<unknown>
}

export const told = <Item, Filter>(kind: Kind<Item, Filter>, change: Change<Item>): Told => ({
  kind,
  change: change as Change<unknown>,
})

/** The thing as it is now, of an answer. */
export const whole = <Item, Filter>(kind: Kind<Item, Filter>, item: Item): Told =>
  told(kind, { key: kind.key(item), item })

/** The key of a list in the cache: texts come in the reader's language, so that it is part of it. */
export type ListKey<Filter> = readonly [string, Language, Filter]
