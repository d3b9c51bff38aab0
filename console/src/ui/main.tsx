import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react'
import { useNamed } from './title.ts'
import './detail.css'

/** The element that a page just opened puts the focus on. */
export const MAIN = 'main'

/**
 * A page's own part; every page has one, and in it one `h1` (`Title`).
 * `wide`: it scrolls by itself, as lists do.
 */
export function Main({ title, wide, children }: { title: string; wide?: boolean; children: ReactNode }) {
  const main = useRef<HTMLElement>(null)
  useNamed(title)
  useEffect(() => {
    // What had the focus went with the page before: readers and keys go on here.
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true })
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another thing is shown, so from its top
  useEffect(() => {
    // Not returned: browsers of today answer with a promise.
    void main.current?.scrollTo(0, 0)
  }, [title])
  return (
    <main className={wide ? 'main wide' : 'main'} id={MAIN} tabIndex={-1} ref={main}>
      {children}
    </main>
  )
}

/** Whether what is shown stands beside a list, which has the page's `h1`. */
export const Beside = createContext(false)

/** The name of what is shown: `h1`, or `h2` where it stands beside a list. */
export function Title({ children }: { children: ReactNode }) {
  return useContext(Beside) ? <h2 className="title">{children}</h2> : <h1 className="title">{children}</h1>
}
