import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '../feed/server-time.ts'
import { moment } from '../words/format.ts'
import { useLanguage } from './bits.tsx'
import { useLive } from './context.tsx'
import { go } from './route.ts'
import './detail.css'

/** The pane beside the lists; on a phone the whole screen, with a way back. */
export function Detail({
  title,
  query,
  children,
}: {
  title: string
  query: UseQueryResult<unknown>
  children: ReactNode
}) {
  const { t } = useTranslation()
  const { stale, goodAt } = useLive()
  const language = useLanguage()
  const pane = useRef<HTMLElement>(null)
  const failed = query.isError && query.data !== undefined
  useEffect(() => {
    // Another thing is shown: from its top.
    if (title !== '') pane.current?.scrollTo(0, 0)
  }, [title])
  return (
    <main className="detail" id="detail" tabIndex={-1} ref={pane} aria-label={title} data-stale={stale || failed}>
      <button type="button" className="back" onClick={back}>
        ← {t('ui.back')}
      </button>
      {children}
      {stale && goodAt !== null ? (
        <p className="stale-note">{t('ui.panel.stale', { time: moment(goodAt, serverNow(), language) })}</p>
      ) : null}
      {failed && !stale ? (
        <p className="stale-note">
          {t('ui.panel.errorAge', { time: moment(query.dataUpdatedAt, serverNow(), language) })}
        </p>
      ) : null}
    </main>
  )
}

/** To the list one came from; to the first one, if the address was opened as it is. */
function back(): void {
  if (history.length > 1) history.back()
  else go({ at: 'tickets' })
}
