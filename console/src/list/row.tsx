/** A row of a dense list. It is drawn anew only when something that it shows has changed: a list changes many times a second. */

import { Link, type LinkProps } from '@tanstack/react-router'
import { memo, type ReactNode, type RefCallback } from 'react'
import { useTranslation } from 'react-i18next'
import type { Column } from './columns.ts'
import '../ui/words.ts'

export interface GridRowProps<Item> {
  readonly name: string
  readonly item: Item
  /** It left the list, and stays only because somebody's cursor is on it. */
  readonly gone: boolean
  readonly index: number
  /** Its place from the top, in px. */
  readonly start: number
  readonly measure: RefCallback<HTMLElement>
  readonly columns: readonly Column<Item>[]
  readonly main: string
  readonly link: (item: Item) => LinkProps
  readonly look: (item: Item) => string
  readonly below: ((item: Item) => ReactNode) | undefined
  /** undefined: no row can be picked. */
  readonly picked: boolean | undefined
  readonly onPick: (name: string, is: boolean) => void
  readonly chosen: boolean
  readonly onChosen: (name: string) => void
  /** By Tab. */
  readonly reachable: boolean
}

function GridRowDrawn<Item>(props: GridRowProps<Item>) {
  const { name, item, gone, picked } = props
  const { t } = useTranslation()
  return (
    <div
      role="row"
      aria-rowindex={props.index + 1}
      className={`row ${props.look(item)} ${gone ? 'gone' : ''}`}
      style={{ transform: `translateY(${props.start}px)` }}
      data-index={props.index}
      data-key={name}
      data-chosen={props.chosen}
      ref={props.measure}
    >
      <div className="line" role="presentation">
        {picked === undefined ? null : (
          <span role="cell" className="pick">
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={t('ui.list.pick')}
              checked={picked}
              onChange={(event) => props.onPick(name, event.target.checked)}
            />
          </span>
        )}
        {props.columns.map((column) => (
          <span key={column.id} role="cell" className={`cell-${column.id} ${column.figure ? 'figure' : ''}`}>
            {column.id === props.main ? (
              <Link
                {...props.link(item)}
                className="go"
                tabIndex={props.reachable ? 0 : -1}
                onFocus={() => props.onChosen(name)}
              >
                {column.cell(item)}
                {gone ? <span className="gone-word"> {t('ui.list.gone')}</span> : null}
              </Link>
            ) : (
              column.cell(item)
            )}
          </span>
        ))}
      </div>
      {props.below?.(item)}
    </div>
  )
}

export const GridRow = memo(GridRowDrawn) as typeof GridRowDrawn
