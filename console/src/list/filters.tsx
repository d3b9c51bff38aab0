import { Fragment, type ReactNode, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useWidth } from './useWidth.ts'
import './list.css'
import '../ui/words.ts'

/** One way to narrow a list. */
export interface Facet {
  readonly id: string
  /** What it narrows by: "hospital". */
  readonly label: string
  /** What is chosen, in words; undefined: it leaves nothing out. */
  readonly chosen: ReactNode | undefined
  readonly onClear: () => void
  readonly control: ReactNode
}

/** Below this width of a list, in px, its filters are behind a button, and only what is chosen is shown. */
const FOLD_BELOW = 640

/** What narrows a list: `search` is always there, `facets` where there is room. */
export function Filters(props: {
  search: ReactNode
  facets: readonly Facet[]
  filtered: boolean
  onClear: () => void
}) {
  const { t } = useTranslation()
  const box = useRef<HTMLElement>(null)
  const folded = useWidth(box) < FOLD_BELOW && props.facets.length > 0
  const [open, setOpen] = useState(false)
  const id = useId()
  const chosen = props.facets.filter((facet) => facet.chosen !== undefined)
  const clear = props.filtered ? (
    <button type="button" className="button quiet" onClick={props.onClear}>
      {t('ui.list.clear')}
    </button>
  ) : null
  return (
    <search className="filters" aria-label={t('ui.list.filters')} ref={box} data-folded={folded}>
      {props.search}
      {folded ? (
        <>
          <button
            type="button"
            className="button"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            {t('ui.list.filters')}
            {chosen.length === 0 ? '' : ` (${chosen.length})`}
          </button>
          {chosen.length === 0 || open ? null : (
            <ul className="chips" aria-label={t('ui.list.chosen')}>
              {chosen.map((facet) => (
                <li key={facet.id}>
                  <button type="button" className="chip" onClick={facet.onClear}>
                    <span className="unseen">
                      {t('ui.list.without')} {facet.label}:{' '}
                    </span>
                    {facet.chosen} <span aria-hidden="true">✕</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div id={id} className="unfolded" hidden={!open}>
            {open
              ? props.facets.map((facet) => (
                  <div key={facet.id} className="facet">
                    {/* The control has it as its own name. */}
                    <span aria-hidden="true">{facet.label}</span>
                    {facet.control}
                  </div>
                ))
              : null}
            {open ? clear : null}
          </div>
        </>
      ) : (
        <>
          {props.facets.map((facet) => (
            <Fragment key={facet.id}>{facet.control}</Fragment>
          ))}
          {clear}
        </>
      )}
    </search>
  )
}
