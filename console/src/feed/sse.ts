/** Server-sent events from text, as the HTML standard has it (section 9.2.6, "Interpreting an event stream"). Pure. */

export interface ServerEvent {
  /** `message` where the server named none. */
  readonly type: string
  readonly data: string
  /** The last id seen up to here; empty: none yet. */
  readonly id: string
}

/** More than this without a line's end is no event stream of ours. */
export const MAX_PENDING = 1_048_576

/** Reads a stream piece by piece; pieces may end anywhere, also between CR and LF. */
export class SseParser {
  #line = ''
  #afterCr = false
  #begun = false
  #type = ''
  #data: string[] = []
  #size = 0
  #id: string

  constructor(lastId = '') {
    this.#id = lastId
  }

  /** The events that `text` completes, in order. A comment line is none, but somebody spoke. */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    let rest = this.#begun ? text : text.replace(/^\uFEFF/, '')
    this.#begun ||= text.length > 0
    if (this.#afterCr && rest.startsWith('\n')) rest = rest.slice(1)
    if (rest.length > 0) this.#afterCr = false
    for (;;) {
      const end = rest.search(/[\r\n]/)
      if (end < 0) break
      const event = this.#take(this.#line + rest.slice(0, end))
      if (event) events.push(event)
      this.#line = ''
      const crlf = rest[end] === '\r' && rest[end + 1] === '\n'
      this.#afterCr = rest[end] === '\r' && end + 1 === rest.length
      rest = rest.slice(end + (crlf ? 2 : 1))
    }
    this.#line += rest
    if (this.#line.length + this.#size > MAX_PENDING) throw new RangeError('an event of more than 1 MiB')
    return events
  }

  #take(line: string): ServerEvent | null {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#type = value
    else if (field === 'data') {
      this.#data.push(value)
      this.#size += value.length
    } else if (field === 'id' && !value.includes('\0')) this.#id = value
    return null
  }

  #dispatch(): ServerEvent | null {
    const [type, data] = [this.#type || 'message', this.#data]
    this.#type = ''
    this.#data = []
    this.#size = 0
    return data.length > 0 ? { type, data: data.join('\n'), id: this.#id } : null
  }
}
