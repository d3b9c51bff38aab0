/** The drawing itself, by uPlot. Loaded only when a curve is shown. */

import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Series } from '../api/client.ts'
import type { Language } from '../words/i18n.ts'
import { type Looking, useLooking } from './gestures.ts'
import { type Ink, inkOf, useInkAge } from './ink.ts'
import { asked, chips, hatch, occurrences, type Place, whiskers } from './marks.ts'
import type { Drawn, Occurrence } from './prepare.ts'
import { ticks, tickWords } from './ticks.ts'

export interface Props {
  readonly drawn: Drawn
  readonly occurrences: readonly Occurrence[]
  readonly unit: string
  readonly language: Language
  /** In full, and where there is no room for it. */
  readonly limitWords: (limit: Series['limits'][number]) => readonly [string, string]
  readonly mainWords: (at: number) => string
  readonly number: (value: number) => string
  /** The index of the point that is told; null: none is pointed at. */
  readonly cursor: number | null
  readonly onCursor: (at: number | null) => void
  readonly looking: Looking
}

const HEIGHT = 250
const TICK = 92

export default function Plot(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const over = useRef<HTMLElement>(null)
  const made = useRef<{ readonly plot: uPlot; ink: Ink } | null>(null)
  const now = useRef(props)
  useEffect(() => {
    now.current = props
  })
  const inkAge = useInkAge()
  const { drawn, language, cursor } = props
  const { from, to } = props.looking.range

  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const state = { ink: inkOf(element) }
    const plot = new uPlot(options(now, state, element), now.current.drawn.columns, element)
    made.current = Object.assign(state, { plot })
    over.current = plot.over
    const resized = new ResizeObserver(() => {
      if (element.clientWidth !== plot.width) plot.setSize({ width: element.clientWidth, height: HEIGHT })
    })
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.destroy()
      made.current = null
    }
  }, [])
  useEffect(() => {
    const plot = made.current?.plot
    plot?.batch(() => {
      plot.setData(drawn.columns, false)
      plot.setScale('x', { min: from / 1_000, max: to / 1_000 })
      plot.setScale('y', { min: drawn.y[0], max: drawn.y[1] })
    })
  }, [drawn, from, to])
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn from outside of the data
  useEffect(() => {
    const { current } = made
    const element = box.current
    if (current === null || element === null) return
    current.ink = inkOf(element)
    if (element.clientWidth !== current.plot.width && element.clientWidth > 0)
      current.plot.setSize({ width: element.clientWidth, height: HEIGHT })
    else current.plot.redraw(false)
  }, [inkAge, language, props.occurrences, props.unit])
  useEffect(() => {
    const plot = made.current?.plot
    const at = cursor === null ? undefined : drawn.columns[0][cursor]
    const value = cursor === null ? undefined : drawn.columns[2][cursor]
    if (plot === undefined) return
    plot.setCursor({
      left: at === undefined ? -10 : plot.valToPos(at, 'x'),
      top: value === undefined || value === null ? -10 : plot.valToPos(value, 'y'),
    })
  }, [cursor, drawn])

  const chosen = useLooking(over, props.looking, {
    onPreview: (range) => {
      const shown = range ?? { from, to }
      made.current?.plot.setScale('x', { min: shown.from / 1_000, max: shown.to / 1_000 })
    },
    onPoint: (share) => {
      const plot = made.current?.plot
      if (plot === undefined) return
      const at = share === null ? -1 : plot.posToIdx(share * plot.over.clientWidth)
      now.current.onCursor(at >= 0 && drawn.columns[0].length > 0 ? at : null)
    },
  })
  return (
    <div className="plot" ref={box} aria-hidden="true">
      {chosen === null ? null : <Piece chosen={chosen} over={over.current} />}
    </div>
  )
}

/** The piece that is being chosen. */
function Piece({ chosen, over }: { chosen: readonly [number, number]; over: HTMLElement | null }) {
  if (over === null) return null
  const [from, to] = [Math.min(...chosen), Math.max(...chosen)].map((share) => Math.min(Math.max(share, 0), 1))
  const width = over.clientWidth
  const left = over.offsetLeft + (from ?? 0) * width
  return <i className="piece" style={{ left, width: ((to ?? 0) - (from ?? 0)) * width }} />
}

type Now = { readonly current: Props }

function options(now: Now, state: { ink: Ink }, element: HTMLElement): uPlot.Options {
  const font = `12px ${state.ink.font}`
  const place = (plot: uPlot): Place => ({ plot, ink: state.ink, font: `${12 * devicePixelRatio}px ${state.ink.font}` })
  const axis: uPlot.Axis = {
    stroke: () => state.ink['text-2'],
    font,
    grid: { stroke: () => state.ink.grid, width: 1 },
    ticks: { stroke: () => state.ink.grid, width: 1, size: 4 },
  }
  const { line, y } = now.current.drawn
  const { from, to } = now.current.looking.range
  const shown = (plot: uPlot) => ticks(rangeOf(plot), plot.over.clientWidth / TICK || 6)
  const dot = { fill: () => state.ink.line, stroke: () => state.ink.line }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    // Room for what is told over the picture.
    padding: [() => (now.current.occurrences.length > 0 ? 40 : 26), 14, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7 }, bind: UNHEARD },
    scales: {
      x: { time: false, min: from / 1_000, max: to / 1_000, auto: false },
      y: { min: y[0], max: y[1], auto: false },
    },
    axes: [
      {
        ...axis,
        size: 28,
        splits: (plot) => shown(plot).at.map((at) => at / 1_000),
        values: (plot, splits) => splits.map((at) => tickWords(at * 1_000, shown(plot).step, now.current.language)),
      },
      { ...axis, size: 58, values: (_plot, splits) => splits.map((value) => now.current.number(value)) },
    ],
    series: [
      {},
      { stroke: 'transparent', points: { show: false } },
      // What comes when it comes is points: a line between them would tell of values that nobody measured.
      line
        ? { stroke: () => state.ink.line, width: 1.5, points: { size: 4, ...dot } }
        : { stroke: 'transparent', paths: () => null, points: { show: true, size: 5, width: 0, ...dot } },
      { stroke: 'transparent', points: { show: false } },
    ],
    ...(line ? { bands: [{ series: [3, 1] as [number, number], fill: () => state.ink.band as never }] } : {}),
    hooks: {
      drawClear: [(plot) => hatch(place(plot), now.current.drawn.gaps)],
      draw: [
        (plot) => {
          const at = place(plot)
          const { drawn, occurrences: found, limitWords, mainWords, unit } = now.current
          if (!drawn.line) whiskers(at, drawn.columns)
          asked(at, drawn.set)
          occurrences(at, found, mainWords)
          chips(at, drawn.limits, found, limitWords)
          at.plot.ctx.fillStyle = at.ink['text-2']
          at.plot.ctx.font = at.font
          at.plot.ctx.textAlign = 'right'
          at.plot.ctx.textBaseline = 'bottom'
          at.plot.ctx.fillText(unit, plot.bbox.left - 6 * devicePixelRatio, plot.bbox.top - 8 * devicePixelRatio)
        },
      ],
    },
  }
}

/** Pointers are heard by `useLooking` alone. */
const none = () => null
const UNHEARD: NonNullable<uPlot.Cursor['bind']> = {
  mousedown: none,
  mouseup: none,
  click: none,
  dblclick: none,
  mousemove: none,
  mouseleave: none,
  mouseenter: none,
}

const rangeOf = (plot: uPlot) => ({
  from: (plot.scales.x?.min ?? 0) * 1_000,
  to: (plot.scales.x?.max ?? 1) * 1_000,
})
