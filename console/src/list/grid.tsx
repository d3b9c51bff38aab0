/** A dense list: as many rows as there are, of which only those in sight are drawn; everything in it by keyboard. */

import type { LinkProps } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meant, ROW_KEYS, useKeys } from '../ui/keys.ts'
import { CARD_BELOW, type Column, fitting, type Picked } from './columns.ts'
import { neighbour, type Row } from './hold.ts'
import { GridRow } from './row.tsx'
import { useWidth } from './useWidth.ts'
import './grid.css'
import '../ui/words.ts'

export interface GridProps<Item> {
  /** What it is a list of. */
  readonly label: string
  readonly columns: readonly Column<Item>[]
  /** The column whose words are the row's link. */
  readonly main: string
  readonly rows: readonly Row<Item>[]
  /** Where a row leads. */
  readonly link: (item: Item) => LinkProps
  /** Classes of a row: severity's edge, and what it is. Like `link` and `below`, another function draws all rows anew. */
  readonly look: (item: Item) => string
  /** The heading that a row stands under; the rows come in its order. */
  readonly group?: ((item: Item) => string) | undefined
  /** Rows that somebody picked, by their keys; without: none can be. */
  readonly picked?: Picked | undefined
  readonly onPicked?: ((picked: Picked) => void) | undefined
  readonly chosen: string | null
  readonly onChosen: (key: string | null) => void
  /** Called when the last rows come into sight. */
  readonly onEnd?: (() => void) | undefined
  /** Below a row: what is being written or done there. */
  readonly below?: ((item: Item) => ReactNode) | undefined
  readonly sort?: { readonly by: string; readonly onBy: (by: string) => void } | undefined
  /** For the element that holds the rows: what `useHeld` watches. */
  readonly hold?: ((element: HTMLElement | null) => void) | undefined
  /** Of how many, where they were counted. */
  readonly total?: number | undefined
}

/** Heights in px before a row was measured. */
const ROW = 32
const CARD = 76
const HEADING = 28

export function Grid<Item>(props: GridProps<Item>) {
  const { rows, columns, chosen, onChosen, onEnd } = props
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const card = width < CARD_BELOW
  const shown = useMemo(() => fitting(columns, width), [columns, width])
  const { picked = NONE, onPicked } = props
  const pick = (keys: readonly string[], is: boolean) =>
    onPicked?.({ ...picked, ...Object.fromEntries(keys.map((key) => [key, is])) })
  const newest = useRef(pick)
  useEffect(() => {
    newest.current = pick
  })
  const pickOne = useCallback((key: string, is: boolean) => newest.current([key], is), [])
  const lines = useLines(rows, props.group)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: (at) => (typeof lines[at] === 'string' ? HEADING : card ? CARD : ROW),
    getItemKey: (at) => {
      const line = lines[at]
      return typeof line === 'string' ? `§${line}` : (line?.key ?? at)
    },
    overscan: 8,
  })
  const drawn = virtual.getVirtualItems()
  const last = drawn.at(-1)?.index ?? 0
  useEffect(() => {
    if (lines.length > 0 && last >= lines.length - 20) onEnd?.()
  }, [last, lines.length, onEnd])

  const focus = (key: string | null) => {
    if (key === null) return
    onChosen(key)
    const at = lines.findIndex((line) => typeof line !== 'string' && line.key === key)
    virtual.scrollToIndex(at)
    const go = () => box.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] .go`) ?? null
    const there = go()
    // At once where it can be: later somebody may write already, and would be torn from it.
    if (there === null) requestAnimationFrame(() => go()?.focus())
    else there.focus()
  }
  const keys = rows.map((row) => row.key)
  const step = (by: 1 | -1) => focus(neighbour(keys, chosen, by))
  useKeys({ next: () => step(1), previous: () => step(-1) })
  const press = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches('.go')) return
    const many = Math.max(Math.floor((box.current?.clientHeight ?? 0) / ROW) - 1, 1)
    const at = chosen === null ? 0 : keys.indexOf(chosen)
    const to = {
      down: neighbour(keys, chosen, 1),
      up: neighbour(keys, chosen, -1),
      first: keys[0],
      last: keys.at(-1),
      pageDown: keys[Math.min(at + many, keys.length - 1)],
      pageUp: keys[Math.max(at - many, 0)],
    }
    const what = meant(ROW_KEYS, event.key)
    if (what === undefined || what === 'open') return
    if (what === 'pick') {
      if (onPicked === undefined || chosen === null) return
      pick([chosen], !picked[chosen])
    } else focus(to[what] ?? null)
    event.preventDefault()
  }
  // One of the rows can be reached by Tab: the chosen one, else the first.
  const reachable = chosen !== null && keys.includes(chosen) ? chosen : keys[0]
  const tracks = [...(onPicked === undefined ? [] : ['28px']), ...shown.map((column) => column.width)].join(' ')
  const all = keys.length > 0 && keys.every((key) => picked[key])

  return (
    <div
      className="grid"
      role="table"
      aria-label={props.label}
      aria-rowcount={props.total ?? -1}
      data-card={card}
      ref={(element) => element?.style.setProperty('--tracks', tracks)}
    >
      <div role="rowgroup" className="grid-head">
        <div role="row" className="line">
          {onPicked === undefined ? null : (
            <span role="columnheader">
              <input
                type="checkbox"
                aria-label={t('ui.list.pickAll')}
                checked={all}
                onChange={() => pick(keys, !all)}
              />
            </span>
          )}
          {shown.map(({ id, head, sort, figure }) => (
            <span
              key={id}
              role="columnheader"
              className={figure ? 'figure' : undefined}
              aria-sort={sort !== undefined && sort === props.sort?.by ? 'other' : undefined}
            >
              {sort === undefined || props.sort === undefined ? (
                head
              ) : (
                <button
                  type="button"
                  aria-pressed={sort === props.sort.by}
                  onClick={() => props.sort?.onBy(sort)}
                  title={t('ui.list.sortBy', { column: head })}
                >
                  {head}
                </button>
              )}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" ref={box} onKeyDown={press}>
        <div className="grid-all" ref={props.hold} style={{ height: virtual.getTotalSize() }}>
          {drawn.map(({ index, key, start }) => {
            const line = lines[index]
            if (line === undefined) return null
            const place = { transform: `translateY(${start}px)` }
            if (typeof line === 'string')
              return (
                <div
                  key={key}
                  className="place"
                  role="row"
                  style={place}
                  data-index={index}
                  ref={virtual.measureElement}
                >
                  <span role="cell">{line}</span>
                </div>
              )
            return (
              <GridRow
                key={key}
                name={line.key}
                item={line.item}
                gone={line.gone}
                index={index}
                start={start}
                measure={virtual.measureElement}
                columns={shown}
                main={props.main}
                link={props.link}
                look={props.look}
                below={props.below}
                picked={onPicked === undefined ? undefined : (picked[line.key] ?? false)}
                onPick={pickOne}
                chosen={line.key === chosen}
                onChosen={onChosen}
                reachable={line.key === reachable}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

const NONE: Picked = {}

/** The rows, with the headings they stand under. */
function useLines<Item>(rows: readonly Row<Item>[], group: ((item: Item) => string) | undefined) {
  return useMemo(() => {
    if (group === undefined) return rows
    const lines: (Row<Item> | string)[] = []
    let under: string | null = null
    for (const row of rows) {
      const heading = group(row.item)
      if (heading !== under) lines.push(heading)
      under = heading
      lines.push(row)
    }
    return lines
  }, [rows, group])
}

/** For a page: which row is chosen. */
export function useChosen(): readonly [string | null, (key: string | null) => void] {
  return useState<string | null>(null)
}
