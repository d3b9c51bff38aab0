import type { UseQueryResult } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type ReactNode, useContext, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '../feed/server-time.ts'
import { over } from '../first/handed.ts'
import { moment } from '../words/format.ts'
import { useLanguage } from './bits.tsx'
import { useLive } from './context.tsx'
import { useKeys } from './keys.ts'
import { Beside, Main } from './main.tsx'
import { useNamed } from './title.ts'
import './detail.css'
import './words.ts'

/**
 * One thing, beside its list or on a page of its own, with a way back to its list (`list`: an address), and, whenever it
 * isn't the present, of when it is.
 */
export function Detail(props: { title: string; list: string; query: UseQueryResult<unknown>; children: ReactNode }) {
  const { title, query } = props
  const { t } = useTranslation()
  const { stale, goodAt } = useLive()
  const language = useLanguage()
  const router = useRouter()
  const beside = useContext(Beside)
  const failed = query.isError && query.data !== undefined
  const there = query.data !== undefined || query.isError
  useEffect(() => {
    if (there) over()
  }, [there])
  const leave = () => void router.navigate({ href: props.list + location.search })
  useKeys({ leave })
  const content = (
    <>
      <button type="button" className={beside ? 'leave' : 'back'} onClick={leave}>
        {beside ? (
          <>
            <span aria-hidden="true">✕</span>
            <span className="unseen">{t('ui.close')}</span>
          </>
        ) : (
          `← ${t('ui.back')}`
        )}
      </button>
      {props.children}
      {stale && goodAt !== null ? (
        <p className="stale-note">{t('ui.panel.stale', { time: moment(goodAt, serverNow(), language) })}</p>
      ) : null}
      {failed && !stale ? (
        <p className="stale-note">
          {t('ui.panel.errorAge', { time: moment(query.dataUpdatedAt, serverNow(), language) })}
        </p>
      ) : null}
    </>
  )
  return beside ? (
    <Pane title={title} stale={stale || failed}>
      {content}
    </Pane>
  ) : (
    <Main title={title}>
      <div className="detail" data-stale={stale || failed}>
        {content}
      </div>
    </Main>
  )
}

function Pane({ title, stale, children }: { title: string; stale: boolean; children: ReactNode }) {
  const pane = useRef<HTMLElement>(null)
  useNamed(title)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another thing is shown, so from its top
  useEffect(() => {
    // Not returned: browsers of today answer with a promise.
    void pane.current?.scrollTo(0, 0)
  }, [title])
  return (
    <section className="detail" tabIndex={-1} ref={pane} aria-label={title} data-stale={stale}>
      {children}
    </section>
  )
}
