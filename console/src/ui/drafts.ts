/**
 * What somebody began to write, by the form's name: there again when the form is opened again, whatever closed it, a reload
 * too. It is the tab's and of one account: another's sign-in, and signing out, leave nothing of it.
 */

import { useState } from 'react'

interface Draft {
  readonly values: unknown
  /** The Idempotency-Key of a sending that was not answered. */
  readonly key?: string | undefined
  /** What it began from. */
  readonly base?: unknown
}

const STORED = 'steth.drafts'
/** The oldest go first; one that is longer than this, in characters of JSON, doesn't survive a reload. */
const MOST = 30
const LONGEST = 20_000

let owner = ''
let drafts = new Map<string, Draft>()

/** Whose page is open: the drafts that this tab keeps of anybody else are gone. */
export function draftsOf(account: string): void {
  if (account === owner) return
  owner = account
  drafts = stored()
  store()
}

export const draftOf = (name: string): Draft | undefined => drafts.get(name)

/** Changes what is kept of a form. */
export function keepDraft(name: string, change: Partial<Draft>): void {
  const before = drafts.get(name)
  if (before === undefined && Object.values(change).every((part) => part === undefined)) return
  drafts.delete(name)
  drafts.set(name, { values: undefined, ...before, ...change })
  for (const oldest of drafts.keys()) {
    if (drafts.size <= MOST) break
    drafts.delete(oldest)
  }
  store()
}

export function dropDraft(name: string): void {
  if (drafts.delete(name)) store()
}

/** One line that is being written, and what changes it. */
export function useDraft(name: string): readonly [string, (text: string) => void] {
  const [text, write] = useState(() => (draftOf(name)?.values as string | undefined) ?? '')
  const change = (changed: string) => {
    write(changed)
    if (changed === '') dropDraft(name)
    else keepDraft(name, { values: changed })
  }
  return [text, change]
}

function stored(): Map<string, Draft> {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? 'null')
    const { of, drafts: those } = kept as { of?: unknown; drafts?: unknown }
    return of === owner ? new Map(those as [string, Draft][]) : new Map()
  } catch {
    // No storage, or nothing that this version wrote.
    return new Map()
  }
}

function store(): void {
  const short = [...drafts].filter(([, draft]) => JSON.stringify(draft).length <= LONGEST)
  try {
    if (short.length === 0) sessionStorage.removeItem(STORED)
    else sessionStorage.setItem(STORED, JSON.stringify({ of: owner, drafts: short }))
  } catch {
    // Full or forbidden: they live as long as the page.
  }
}
