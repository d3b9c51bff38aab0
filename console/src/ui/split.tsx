import { Outlet, useChildMatches } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Beside, Main } from './main.tsx'
import { useSideBySide } from './media.ts'
import './split.css'

/**
 * A list, and beside it what was chosen of it: the page's child. Where there is no room for both, what was chosen stands
 * alone, and its list isn't even asked for.
 */
export function Split({ title, list }: { title: string; list: ReactNode }) {
  const chosen = useChildMatches().length > 0
  const wide = useSideBySide()
  if (chosen && !wide) return <Outlet />
  return (
    <Main title={title} wide>
      <div className="split" data-chosen={chosen}>
        {list}
        {chosen ? (
          <Beside value={true}>
            <Outlet />
          </Beside>
        ) : null}
      </div>
    </Main>
  )
}
