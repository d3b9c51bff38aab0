import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '../feed/server-time.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { moment } from '../words/format.ts'
import { type Facet, Filters } from './filters.tsx'
import type { List } from './useList.ts'
import './list.css'
import '../ui/words.ts'

/**
 * A list with its name, how many there are (`total`, as the server counted them), its filters, and, whenever it isn't the
 * present, of when it is. `filtered`: something is left out, so that an empty list means nothing; `empty`: what to do
 * where there really is none.
 */
export function Panel(props: {
  id: string
  title: string
  list: List<unknown>
  total: number | null
  tools?: ReactNode
  filters?: ReactNode
  /** More filters, which are folded where there is no room. */
  facets?: readonly Facet[]
  filtered: boolean
  onClear: () => void
  empty: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation()
  const { stale, goodAt } = useLive()
  const language = useLanguage()
  const { rows, more, turning, query } = props.list
  const { isError, dataUpdatedAt } = query
  const there = query.data !== undefined
  const now = serverNow()
  const failed = isError && there
  const count = props.total ?? (there ? rows.length : null)
  return (
    <section
      className={`panel panel-${props.id}`}
      aria-labelledby={`${props.id}-title`}
      aria-busy={turning}
      data-stale={stale || failed}
    >
      <header className="panel-head">
        <h1 id={`${props.id}-title`} className="title">
          {props.title}
          {count === null ? null : <span className="count">{props.total === null && more ? `${count}+` : count}</span>}
        </h1>
        {props.tools}
      </header>
      {props.filters === undefined ? null : (
        <Filters search={props.filters} facets={props.facets ?? []} filtered={props.filtered} onClear={props.onClear} />
      )}
      {stale && goodAt !== null ? (
        <p className="stale-note">{t('ui.panel.stale', { time: moment(goodAt, now, language) })}</p>
      ) : null}
      {failed && !stale ? (
        <p className="stale-note" role="alert">
          {t('ui.panel.errorAge', { time: moment(dataUpdatedAt, now, language) })}{' '}
          <button type="button" className="button quiet" onClick={() => void query.refetch()}>
            {t('ui.panel.retry')}
          </button>
        </p>
      ) : null}
      {!there && isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : null}
      {there || isError ? null : <Skeleton rows={8} />}
      {there && rows.length === 0 && !turning ? (
        <div className="empty">
          {props.filtered ? (
            <>
              {t('ui.list.none')}{' '}
              <button type="button" className="button" onClick={props.onClear}>
                {t('ui.list.clear')}
              </button>
            </>
          ) : (
            props.empty
          )}
        </div>
      ) : null}
      {props.children}
      {more ? <p className="unseen">{t('ui.list.cut')}</p> : null}
    </section>
  )
}
