/** The connection to the live stream: one at a time, watched, resumed from the last event, for as long as the page lives. */

import { elapsed, type Instant } from './clock.ts'
import { begin, type Feed, type FeedEvent, retryWait, SILENT_AFTER_MS, silent, step } from './machine.ts'
import { instant } from './server-time.ts'
import { type ServerEvent, SseParser } from './sse.ts'

interface Wiring {
  readonly url: string
  /** Of the texts in the events. */
  readonly language: string
  /** The last event of a feed that this one goes on from; '': none. */
  readonly from: string
  /** Called for every event that carries something. */
  readonly onEvent: (event: ServerEvent) => void
  /** Called whenever `feed` changed. */
  readonly onFeed: (feed: Feed) => void
}

export class LiveFeed {
  readonly #wiring: Wiring
  #feed: Feed = begin(instant())
  #lastId: string
  #attempt: AbortController | null = null
  #attemptBegan: Instant = instant()
  #wake: (() => void) | null = null
  #round = 0

  constructor(wiring: Wiring) {
    this.#wiring = wiring
    this.#lastId = wiring.from
  }

  /** The last event that came; '': none yet. */
  get position(): string {
    return this.#lastId
  }

  get feed(): Feed {
    return this.#feed
  }

  tell(event: FeedEvent): void {
    const after = step(this.#feed, event)
    if (after === this.#feed) return
    this.#feed = after
    this.#wiring.onFeed(after)
  }

  /** Listens until `stop`, or until the server says that nobody is signed in. */
  async run(): Promise<void> {
    this.#round += 1
    const round = this.#round
    for (;;) {
      this.tell({ type: 'connect', at: instant() })
      const refused = await this.#listen()
      if (round !== this.#round) return
      if (refused) {
        this.tell({ type: 'refused', at: instant() })
        return
      }
      this.tell({ type: 'lost', at: instant() })
      await this.#pause(retryWait(this.#feed.failures, Math.random()))
      if (round !== this.#round) return
    }
  }

  stop(): void {
    this.#round += 1
    this.#attempt?.abort()
    this.#wake?.()
  }

  /** Try now: the person asked, the network came back, the tab woke up. */
  poke(): void {
    this.#wake?.()
    this.watch()
  }

  /** Gives a connection up that has been silent for too long: it may be half open for hours. */
  watch(): void {
    if (this.#attempt === null) return
    const { heard } = this.#feed
    const last =
      heard !== null && elapsed(heard, instant()) < elapsed(this.#attemptBegan, instant()) ? heard : this.#attemptBegan
    if (elapsed(last, instant()) > SILENT_AFTER_MS) this.#attempt.abort()
  }

  async #listen(): Promise<boolean> {
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#attemptBegan = instant()
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream', 'Accept-Language': this.#wiring.language }
      if (this.#lastId !== '') headers['Last-Event-ID'] = this.#lastId
      const answer = await fetch(this.#wiring.url, {
        headers,
        signal: attempt.signal,
        cache: 'no-store',
        credentials: 'same-origin',
      })
      if (answer.status === 401) return true
      if (!answer.ok || answer.body === null) return false
      this.tell({ type: 'opened', at: instant() })
      await this.#read(answer.body)
    } catch {
      // Refused, broken off, silent, or no stream at all: each of them is a lost line, and is tried again.
    } finally {
      attempt.abort()
      if (this.#attempt === attempt) this.#attempt = null
    }
    return false
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = new SseParser(this.#lastId)
    const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      // What lay in a buffer while the tab slept is old news: a connection that was silent is not believed again.
      if (silent(this.#feed, instant())) return
      this.tell({ type: 'heard', at: instant() })
      for (const event of parser.push(value)) {
        this.#lastId = event.id
        this.#wiring.onEvent(event)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
    })
  }
}
