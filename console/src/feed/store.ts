/** The live stream as the page sees it: events into the lists' caches, and one honest word about the whole. */

import type { QueryClient } from '@tanstack/react-query'
import { Failure } from '../api/client.ts'
import type { Language } from '../words/i18n.ts'
import { elapsed } from './clock.ts'
import { type AnyKind, type Told, told } from './kind.ts'
import { LiveFeed } from './live.ts'
import { type FeedView, stale, view } from './machine.ts'
import { lookAgain, put } from './put.ts'
import { adopt, instant, serverNow } from './server-time.ts'
import type { ServerEvent } from './sse.ts'

export interface Live {
  readonly view: FeedView
  readonly stale: boolean
  /** Whether the server was ever heard: before that, lists wait, so that they are fetched once. */
  readonly begun: boolean
  /** When what is shown was last known to be so, on the server's clock. */
  readonly goodAt: number | null
  /** Since when the server is silent, in ms on the server's clock. */
  readonly silentSince: number | null
  /** Why the platform can't vouch for what it shows, in the reader's words. */
  readonly reason: string
  /** The platform runs another version than the one this page came with. */
  readonly updated: boolean
}

interface Said {
  readonly now?: string
  readonly version?: string
  readonly resumed?: boolean
  readonly ok?: boolean | null
  readonly text?: string
}

const TICK_MS = 1_000
/** What is told within this is drawn at once: fifty changes a second are not fifty pictures. */
const TOGETHER_MS = 100
const TRY_AGAIN_MS = 2_000
/** A page that can't reach the stream shows lists all the same, marked as what they are. */
const LISTS_WAIT_MS = 2_000

export class LiveStore {
  readonly #queries: QueryClient
  readonly #kinds: readonly AnyKind[]
  readonly #language: Language
  /** Nothing is missed between what is asked for at once and what the stream tells. */
  readonly #goesOn: boolean
  readonly #feed: LiveFeed
  readonly #listeners = new Set<() => void>()
  readonly #began = instant()
  #live: Live
  #reason = ''
  #version: string | null = null
  #updated = false
  /** Whether all that is shown was asked for since it was last known to have a gap. */
  #asked: boolean
  #triedAt = instant()
  #news: Told[] = []
  #telling: ReturnType<typeof setTimeout> | undefined
  #unwatch: () => void = () => undefined
  #timer: ReturnType<typeof setInterval> | undefined

  /** `kinds`: of the things that events tell of. `before`: of another language, from where it stands this one goes on. */
  constructor(queries: QueryClient, kinds: readonly AnyKind[], language: Language, before?: LiveStore) {
    this.#queries = queries
    this.#kinds = kinds
    this.#language = language
    const from = before?.position ?? ''
    this.#goesOn = from !== ''
    // What is shown in this language is being asked for already.
    this.#asked = this.#goesOn
    this.#feed = new LiveFeed({
      url: '/api/v1/stream?devices=changes',
      language,
      from,
      onEvent: (event) => this.#take(event),
      onFeed: () => this.#look(),
    })
    this.#live = this.#seen()
  }

  readonly get = (): Live => this.#live

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last event that came; '': none yet. */
  get position(): string {
    return this.#feed.position
  }

  /** Milliseconds since what is shown was last known to be so; null: never. */
  age(): number | null {
    const { good } = this.#feed.feed
    return good === null ? null : elapsed(good, instant())
  }

  start(): void {
    void this.#feed.run()
    this.#timer = setInterval(this.#tick, TICK_MS)
    this.#unwatch = this.#queries.getQueryCache().subscribe(() => {
      if (this.#asked) queueMicrotask(() => this.#look())
    })
    for (const [target, name] of WAKERS) target.addEventListener(name, this.poke)
  }

  stop(): void {
    this.#feed.stop()
    this.#unwatch()
    clearTimeout(this.#telling)
    clearInterval(this.#timer)
    for (const [target, name] of WAKERS) target.removeEventListener(name, this.poke)
  }

  /** Look at once: after a nap the page must not show its last face for even a second. */
  readonly poke = (): void => {
    this.#look()
    this.#feed.poke()
  }

  readonly #tick = (): void => {
    this.#feed.watch()
    this.#look()
  }

  #take(event: ServerEvent): void {
    const data: unknown = JSON.parse(event.data)
    switch (event.type) {
      case 'hello':
        this.#hello(data as Said)
        break
      case 'beat': {
        const { now, ok, text } = data as Said
        if (now !== undefined) adopt(now)
        this.#reason = text ?? ''
        this.#feed.tell({ type: 'beat', at: instant(), taking: ok ?? null })
        break
      }
      case 'reset':
        this.#reset()
        break
      default:
        this.#tell(event.type, data)
    }
    this.#look()
  }

  #tell(event: string, data: unknown): void {
    for (const kind of this.#kinds) {
      for (const change of kind.events[event]?.(data as never) ?? []) this.#news.push(told(kind, change))
    }
    if (this.#news.length === 0 || this.#telling !== undefined) return
    this.#telling = setTimeout(() => {
      this.#telling = undefined
      const news = this.#news
      this.#news = []
      put(this.#queries, this.#language, news)
    }, TOGETHER_MS)
  }

  #hello({ now, version, resumed }: Said): void {
    if (now !== undefined) adopt(now)
    if (version !== undefined) {
      this.#updated ||= this.#version !== null && this.#version !== version
      this.#version ??= version
    }
    if (resumed === false) this.#reset()
    // How devices became meanwhile stands in no log.
    else for (const kind of this.#kinds) if (kind.unlogged) lookAgain(this.#queries, kind)
  }

  #reset(): void {
    this.#asked = false
    this.#feed.tell({ type: 'reset', at: instant() })
  }

  #look(): void {
    const feed = this.#feed.feed
    if (feed.line !== 'open' || feed.caughtUp) this.#asked = false
    else this.#catchUp()
    const seen = this.#seen()
    if ((Object.keys(seen) as (keyof Live)[]).every((part) => seen[part] === this.#live[part])) return
    this.#live = seen
    for (const listener of this.#listeners) listener()
  }

  #seen(): Live {
    const feed = this.#feed.feed
    const at = instant()
    const now = view(feed, at)
    return {
      view: now,
      stale: stale(now),
      begun: this.#goesOn || feed.heard !== null || elapsed(this.#began, at) > LISTS_WAIT_MS,
      // To the second: else every beat would draw the page anew.
      goodAt: now === 'live' || feed.good === null ? null : seconds(serverNow() - elapsed(feed.good, at)),
      silentSince: now === 'silent' ? seconds(serverNow() - elapsed(feed.heard ?? feed.since, at)) : null,
      reason: now === 'blind' ? this.#reason : '',
      updated: this.#updated,
    }
  }

  /** Fetch all that is shown; the page has caught up when every part of what it shows has come since. */
  #catchUp(): void {
    const cache = this.#queries.getQueryCache()
    if (!this.#asked) {
      this.#asked = true
      // What is under way was asked before: it may miss what happened meanwhile.
      void this.#queries.invalidateQueries(
        { predicate: ({ queryKey }) => queryKey[0] !== 'session' },
        { cancelRefetch: true },
      )
    }
    const shown = cache.findAll({ type: 'active' }).filter(({ queryKey }) => queryKey[0] !== 'session')
    if (shown.some(({ state }) => state.fetchStatus !== 'idle')) return
    const failed = shown.filter(({ state }) => state.status !== 'success' && !answered(state.error))
    if (failed.length === 0) {
      this.#asked = false
      this.#feed.tell({ type: 'caught-up', at: instant() })
    } else if (elapsed(this.#triedAt, instant()) > TRY_AGAIN_MS) {
      this.#triedAt = instant()
      for (const query of failed) void this.#queries.refetchQueries({ queryKey: query.queryKey, exact: true })
    }
  }
}

/** That a thing isn't there, or may not be seen, is an answer too. */
function answered(error: unknown): boolean {
  return error instanceof Failure && error.status >= 400 && error.status < 500
}

/** What tells that the page may have slept, or that the network is back. */
const WAKERS: readonly (readonly [EventTarget, string])[] = [
  [window, 'focus'],
  [window, 'online'],
  [window, 'pageshow'],
  [document, 'resume'],
  [document, 'visibilitychange'],
]

const seconds = (ms: number): number => Math.floor(ms / 1_000) * 1_000
