/** Rows of what lasted and what happened, over one axis of time. Drawn as SVG: it prints, and needs no library. */

import { useEffect, useRef, useState } from 'react'
import { useLanguage } from '../ui/bits.tsx'
import { type Looking, useLooking } from './gestures.ts'
import type { Bar, Row } from './lanes.ts'
import { ticks, tickWords } from './ticks.ts'
import type { Range } from './view.ts'

const [HIGH, BAR, AXIS, TICK] = [26, 16, 22, 84] as const
/** Where there is no room for names beside the rows, in px: each has its own over it. */
const [NARROW, NAME] = [480, 16] as const
/** Below this a bar has no room for words, in px. */
const WORDS = 44

interface Props {
  readonly rows: readonly Row[]
  readonly looking: Looking
  /** The moment that it is about, in ms. */
  readonly fault: number | null
  readonly unheard?: readonly Range[]
}

export function Tracks({ rows, looking, fault, unheard = [] }: Props) {
  const language = useLanguage()
  const area = useRef<HTMLDivElement>(null)
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [narrow, setNarrow] = useState(false)
  const [preview, setPreview] = useState<Range | null>(null)
  useEffect(() => {
    const element = area.current
    if (element === null) return undefined
    const resized = new ResizeObserver(() => {
      setNarrow((box.current?.clientWidth ?? 0) < NARROW)
      setWidth(element.clientWidth)
    })
    resized.observe(element)
    return () => resized.disconnect()
  }, [])
  const chosen = useLooking(area, looking, { onPreview: setPreview })
  const range = preview ?? looking.range
  const x = (at: number) => ((at - range.from) / (range.to - range.from)) * width
  const axis = ticks(range, Math.max(width / TICK, 2))
  const each = narrow ? HIGH + NAME : HIGH
  const high = rows.length * each
  const [from, to] = chosen === null ? [0, 0] : [Math.min(...chosen), Math.max(...chosen)]
  return (
    <div className={narrow ? 'tracks narrow' : 'tracks'} aria-hidden="true" ref={box}>
      {narrow ? null : (
        <ul className="track-names">
          {rows.map((row, at) => (
            <li key={row.key} title={row.name}>
              {named(rows, at)}
            </li>
          ))}
        </ul>
      )}
      <div className="track-area" ref={area}>
        <svg width={width} height={high + AXIS} role="presentation">
          <defs>
            <pattern id="chart-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <path d="M0 0V7" className="track-hatch" />
            </pattern>
          </defs>
          {axis.at.map((at) => (
            <g key={at}>
              <line x1={x(at)} x2={x(at)} y1={0} y2={high} className="track-grid" />
              <text x={Math.min(Math.max(x(at), 18), width - 18)} y={high + 15} className="track-tick">
                {tickWords(at, axis.step, language)}
              </text>
            </g>
          ))}
          {unheard.map((gap) => (
            <rect
              key={gap.from}
              x={x(gap.from)}
              width={Math.max(x(gap.to) - x(gap.from), 1)}
              y={0}
              height={high}
              fill="url(#chart-hatch)"
            />
          ))}
          {rows.map((row, at) => (
            <g key={row.key} transform={`translate(0 ${at * each + each - HIGH})`}>
              <line x1={0} x2={width} y1={HIGH} y2={HIGH} className="track-grid" />
              {narrow ? (
                <text x={5} y={-2} className="track-name">
                  {named(rows, at)}
                </text>
              ) : null}
              {row.bars.map((bar) => (
                <Piece key={`${bar.from} ${bar.text}`} bar={bar} left={x(bar.from)} right={x(bar.to)} width={width} />
              ))}
              {row.dots.map((dot) => {
                const here = x(dot.at)
                return here < 0 || here > width ? null : (
                  <path key={`${dot.at} ${dot.text}`} d={`M${here} 14l4 5-4 5-4-5z`} className="track-dot">
                    <title>{dot.text}</title>
                  </path>
                )
              })}
            </g>
          ))}
          {fault === null ? null : <line x1={x(fault)} x2={x(fault)} y1={0} y2={high} className="track-fault" />}
        </svg>
        {chosen === null ? null : <i className="piece" style={{ left: from * width, width: (to - from) * width }} />}
      </div>
    </div>
  )
}

/** Rows that belong together are named once. */
const named = (rows: readonly Row[], at: number): string | undefined =>
  rows[at]?.name === rows[at - 1]?.name ? '' : rows[at]?.name

function Piece({ bar, left, right, width }: { bar: Bar; left: number; right: number; width: number }) {
  const [from, to] = [Math.max(left, 0), Math.min(right, width)]
  if (left > width || right < 0) return null
  const wide = Math.max(to - from, 3)
  return (
    <g className={`track-bar tone-${bar.tone}`}>
      <title>{bar.text}</title>
      <rect x={Math.min(from, width - 3)} y={(HIGH - BAR) / 2} width={wide} height={BAR} rx={2} />
      {bar.tone === 'lost' || bar.tone === 'mixed' ? (
        <rect x={from} y={(HIGH - BAR) / 2} width={wide} height={BAR} rx={2} fill="url(#chart-hatch)" />
      ) : null}
      {wide < WORDS ? null : (
        <svg x={from} y={0} width={wide - 4} height={HIGH} role="presentation">
          <text x={5} y={HIGH / 2 + 4}>
            {bar.text}
          </text>
        </svg>
      )}
    </g>
  )
}
