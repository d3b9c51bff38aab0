/**
 * What the live stream is, and what the page may say of its own data. Pure.
 *
 * A page is *live* only while the stream speaks, everything shown was fetched after it last began without a gap, and the
 * platform says that it takes what devices report.
 */

import { elapsed, type Instant } from './clock.ts'

/** The server speaks every 4 s; silence beyond this is a dead feed. */
export const SILENT_AFTER_MS = 10_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000

export interface Feed {
  readonly line: 'connecting' | 'open' | 'waiting' | 'signed-out'
  /** When this page began to listen. */
  readonly since: Instant
  /** When the server was last heard on the stream. */
  readonly heard: Instant | null
  /** When what is shown was last known to be so. */
  readonly good: Instant | null
  /** Whether what is shown was fetched since the stream last began without a gap. */
  readonly caughtUp: boolean
  /** Whether the platform takes what devices report; null: it doesn't know yet. */
  readonly taking: boolean | null
  /** Attempts that failed since the stream was last heard. */
  readonly failures: number
}

export type FeedEvent =
  | { readonly type: 'connect' | 'opened' | 'heard' | 'lost' | 'refused' | 'reset' | 'caught-up'; readonly at: Instant }
  | { readonly type: 'beat'; readonly at: Instant; readonly taking: boolean | null }

/** `live` alone lets values be taken for the present. `blind`: the page is told, but the platform hears no devices. */
export type FeedView = 'live' | 'reconnecting' | 'catching-up' | 'connecting' | 'blind' | 'silent' | 'signed-out'

export function begin(at: Instant): Feed {
  return { line: 'connecting', since: at, heard: null, good: null, caughtUp: false, taking: null, failures: 0 }
}

export function step(feed: Feed, event: FeedEvent): Feed {
  if (feed.line === 'signed-out') return feed // a new session begins a new feed
  switch (event.type) {
    case 'connect':
      return { ...feed, line: 'connecting' }
    case 'opened':
      return spoken({ ...feed, line: 'open' }, event.at)
    case 'heard':
      return spoken(feed, event.at)
    case 'beat':
      return spoken({ ...feed, taking: event.taking }, event.at)
    case 'lost':
      return { ...feed, line: 'waiting', failures: feed.failures + 1 }
    case 'refused':
      return { ...feed, line: 'signed-out', caughtUp: false }
    case 'reset':
      return { ...feed, caughtUp: false }
    case 'caught-up':
      return feed.line === 'open' && !silent(feed, event.at) ? { ...feed, caughtUp: true, good: event.at } : feed
  }
}

/** Somebody spoke: after a silence, what is shown must be fetched again before it counts. */
function spoken(feed: Feed, at: Instant): Feed {
  // Of a connection that was given up already: its words are late, and may have a gap behind them.
  if (feed.line !== 'open') return feed
  const caughtUp = feed.caughtUp && !silent(feed, at)
  return { ...feed, heard: at, failures: 0, caughtUp, good: caughtUp ? at : feed.good }
}

export function silent(feed: Feed, now: Instant): boolean {
  return elapsed(feed.heard ?? feed.since, now) > SILENT_AFTER_MS
}

export function view(feed: Feed, now: Instant): FeedView {
  if (feed.line === 'signed-out') return 'signed-out'
  if (silent(feed, now)) return 'silent'
  if (feed.heard === null) return 'connecting'
  if (!feed.caughtUp) return feed.good === null ? 'connecting' : 'catching-up'
  if (feed.taking === false) return 'blind'
  return feed.line === 'open' ? 'live' : 'reconnecting'
}

/** Whether values are to be marked as no longer true for certain. */
export function stale(seen: FeedView): boolean {
  return seen === 'silent' || seen === 'signed-out' || seen === 'catching-up' || seen === 'blind'
}

/** Milliseconds to wait before the next attempt; `luck` in [0, 1) keeps many pages from returning at once. */
export function retryWait(failures: number, luck: number): number {
  const ceiling = Math.min(FIRST_WAIT_MS * 2 ** Math.max(failures - 1, 0), LONGEST_WAIT_MS)
  return Math.round(ceiling * (0.5 + luck / 2))
}
