import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Act, ActQueue } from '../act/queue.ts'
import type { WhoAmI } from '../api/client.ts'
import { useSignedOut } from '../api/session.ts'
import type { AnyKind } from '../feed/kind.ts'
import { type Live, LiveStore } from '../feed/store.ts'
import { useLanguage } from './bits.tsx'

interface Page {
  readonly who: WhoAmI
  readonly live: LiveStore
  readonly acts: ActQueue
  /** Every address that leads somewhere. */
  readonly pages: ReadonlySet<string>
}

const PageContext = createContext<Page | null>(null)

export function usePage(): Page {
  const page = useContext(PageContext)
  if (page === null) throw new Error('outside of the page')
  return page
}

export function useLive(): Live {
  const { live } = usePage()
  return useSyncExternalStore(live.subscribe, live.get)
}

export function useActs(): readonly Act[] {
  const { acts } = usePage()
  return useSyncExternalStore(acts.subscribe, acts.get)
}

/** Whether this account has a right, by its name in `people/rights.toml`: what its role is called tells nothing. */
export function useMay(right: string): boolean {
  return usePage().who.rights.includes(right)
}

interface Given {
  who: WhoAmI
  /** Of now: null while nobody is signed in any more. */
  session: WhoAmI | null
  acts: ActQueue
  kinds: readonly AnyKind[]
  pages: ReadonlySet<string>
  children: ReactNode
}

export function PageProvider({ who, session, acts, kinds, pages, children }: Given) {
  const queries = useQueryClient()
  const language = useLanguage()
  const signedOut = useRef(useSignedOut())
  // Texts of events are in one language: another one is another stream. So is another session.
  const [live, setLive] = useState(() => new LiveStore(queries, kinds, language))
  const heard = useRef({ language, session })
  useEffect(() => {
    if (session === null || (heard.current.language === language && heard.current.session === session)) return
    const same = heard.current.session === session
    heard.current = { language, session }
    setLive((before) => new LiveStore(queries, kinds, language, same ? before : undefined))
  }, [language, session, queries, kinds])
  useEffect(() => {
    live.start()
    const end = live.subscribe(() => {
      if (live.get().view === 'signed-out') signedOut.current()
    })
    return () => {
      end()
      live.stop()
    }
  }, [live])
  return <PageContext value={{ who, live, acts, pages }}>{children}</PageContext>
}
