/**
 * Whether a chain of the audit log is whole, computed here from its entries: the server's word isn't taken. The rule is in
 * the API's document, at `AuditEntry`. Pure.
 */

import type { Schemas } from '../api/client.ts'
import { sha256 } from './sha256.ts'

export type Entry = Schemas['AuditEntry']
export type Fault = 'changed' | 'unlinked' | 'foreign' | 'cut' | 'rewritten'

/** A hash that was kept of a chain's entry, by whoever. */
export interface Head {
  readonly org: number | null
  readonly entries: number
  readonly hash: string
}

export interface Broken {
  readonly position: number
  readonly fault: Fault
}

const GENESIS = '00'.repeat(32)
const text = new TextEncoder()

/** The bytes that are hashed of an entry. */
export function canonical({ action, actor, at, detail, org, subject }: Entry): string {
  const sorted = Object.fromEntries(Object.entries(detail).sort(([one], [other]) => (one < other ? -1 : 1)))
  return JSON.stringify({ action, actor, at: sixDecimals(at), detail: sorted, org, subject })
}

function sixDecimals(at: string): string {
  const [whole, fraction = ''] = at.replace('Z', '').split('.')
  return `${whole}.${fraction.padEnd(6, '0')}Z`
}

export function hashOf(entry: Entry): string {
  const body = text.encode(canonical(entry))
  const bytes = new Uint8Array(body.length + 32)
  bytes.set(body)
  for (let at = 0; at < 32; at += 1)
    bytes[body.length + at] = Number.parseInt(entry.previous.slice(at * 2, at * 2 + 2), 16)
  return sha256(bytes)
}

/**
 * Goes down a chain, the latest entry first, as the API gives it. `heads`: what was kept of this chain. The lowest place
 * where something is wrong counts: all before it fit.
 */
export class Descent {
  broken: Broken | null = null
  /** How many entries were computed. */
  seen = 0
  readonly #org: number | null
  readonly #heads: ReadonlyMap<number, readonly string[]>
  readonly #end: number
  #above: Entry | null = null

  constructor(org: number | null, heads: readonly Head[]) {
    const of = heads.filter((head) => head.org === org && head.entries > 0)
    this.#org = org
    this.#heads = new Map(
      of.map(({ entries }) => [entries, of.filter((each) => each.entries === entries).map(({ hash }) => hash)]),
    )
    this.#end = Math.max(0, ...of.map(({ entries }) => entries))
  }

  step(entry: Entry): void {
    const { position } = entry
    const above = this.#above
    if (above === null) {
      if (position < this.#end) this.#note(position + 1, 'cut')
    } else if (position !== above.position - 1 || above.previous !== entry.hash) {
      this.#note(position < above.position - 1 ? position + 1 : above.position, 'unlinked')
    }
    if ((this.#heads.get(position) ?? []).some((hash) => hash !== entry.hash)) this.#note(position, 'rewritten')
    if (entry.org !== this.#org) this.#note(position, 'foreign')
    if (hashOf(entry) !== entry.hash) this.#note(position, 'changed')
    this.#above = entry
    this.seen += 1
  }

  /** No entry is left. */
  end(): void {
    const first = this.#above
    if (first === null) {
      if (this.#end > 0) this.#note(1, 'cut')
    } else if (first.position !== 1 || first.previous !== GENESIS) this.#note(1, 'unlinked')
  }

  #note(position: number, fault: Fault): void {
    if (this.broken === null || position <= this.broken.position) this.broken = { position, fault }
  }
}

/** The heads in a file that somebody kept: one a line, as they were mailed or printed. Null: there is none in it. */
export function headsOf(file: string): readonly Head[] | null {
  const heads = file.split(/\r?\n/).flatMap((line) => {
    try {
      const { org, entries, hash } = JSON.parse(line) as Partial<Head>
      const is = typeof entries === 'number' && typeof hash === 'string' && (org === null || typeof org === 'number')
      return is ? [{ org, entries, hash }] : []
    } catch {
      return []
    }
  })
  return heads.length === 0 ? null : heads
}

/** A table for a spreadsheet (RFC 4180). What a cell begins with is no formula there. */
export function csv(entries: readonly Entry[]): string {
  const cell = (value: unknown) => {
    const said = String(value ?? '')
    const plain = /^[=+\-@\t\r]/.test(said) ? `'${said}` : said
    return `"${plain.replaceAll('"', '""')}"`
  }
  const rows = entries.map(({ position, at, actor, action, subject, detail, previous, hash }) =>
    [position, at, actor, action, subject, JSON.stringify(detail), previous, hash].map(cell).join(','),
  )
  // The mark tells spreadsheets that it is UTF-8.
  return `\ufeff${['position,at,actor,action,subject,detail,previous,hash', ...rows].join('\r\n')}\r\n`
}
