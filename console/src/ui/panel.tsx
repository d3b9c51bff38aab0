import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Listed } from '../api/reading.ts'
import { serverNow } from '../feed/server-time.ts'
import { moment } from '../words/format.ts'
import { useLanguage } from './bits.tsx'
import { useLive } from './context.tsx'
import './list.css'

/** A list with its name, how many there are, and, whenever it isn't the present, of when it is. */
export function Panel(props: {
  id: string
  title: string
  count: number | null
  query: UseQueryResult<Listed<unknown>>
  tools?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation()
  const { stale, goodAt } = useLive()
  const language = useLanguage()
  const { data, isError, dataUpdatedAt } = props.query
  const now = serverNow()
  const failed = isError && data !== undefined
  return (
    <section className={`panel panel-${props.id}`} aria-labelledby={`${props.id}-title`} data-stale={stale || failed}>
      <header className="panel-head">
        <h2 id={`${props.id}-title`}>
          {props.title}
          {props.count === null ? null : <span className="count">{data?.more ? `${props.count}+` : props.count}</span>}
        </h2>
        {props.tools}
      </header>
      {stale && goodAt !== null ? (
        <p className="stale-note">{t('ui.panel.stale', { time: moment(goodAt, now, language) })}</p>
      ) : null}
      {failed && !stale ? (
        <p className="stale-note" role="alert">
          {t('ui.panel.errorAge', { time: moment(dataUpdatedAt, now, language) })}{' '}
          <button type="button" className="button quiet" onClick={() => void props.query.refetch()}>
            {t('ui.panel.retry')}
          </button>
        </p>
      ) : null}
      {props.children}
      {data?.more ? <p className="muted foot">{t('ui.panel.more', { count: data.items.length })}</p> : null}
    </section>
  )
}
