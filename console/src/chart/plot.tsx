/** The drawing itself, by uPlot. Loaded only when a chart is shown. */

import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Drawn } from './prepare.ts'

export interface Mark {
  readonly at: number
  readonly label: string
  readonly severity: string
  /** The fault that this is about, among others. */
  readonly main: boolean
}

interface Props {
  readonly drawn: Drawn
  readonly from: number
  readonly to: number
  readonly marks: readonly Mark[]
  readonly limitWords: (value: number, severity: string) => string
  readonly time: (seconds: number, spanS: number) => string
  readonly number: (value: number) => string
  /** The index under the cursor; null: none. */
  readonly onCursor: (at: number | null) => void
  readonly label: string
}

const HEIGHT = 230

export default function Plot(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const now = useRef(props)
  useEffect(() => {
    now.current = props
    const { current } = plot
    if (current === null) return
    current.setData(props.drawn.columns, false)
    current.batch(() => {
      current.setScale('x', { min: props.from, max: props.to })
      current.setScale('y', { min: props.drawn.y[0], max: props.drawn.y[1] })
    })
  })

  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const made = new uPlot(options(now, element), now.current.drawn.columns, element)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [])

  return <div className="plot" ref={box} role="img" aria-label={props.label} />
}

type Now = { readonly current: Props }

function options(now: Now, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const [line, dim, grid] = [colour('--line'), colour('--text-2'), colour('--grid')]
  const font = `12px ${style.fontFamily}`
  const severity = (name: string) => colour(`--${name}`) || dim
  const axis = { stroke: dim, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [22, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, min: now.current.from, max: now.current.to, auto: false },
      y: { min: now.current.drawn.y[0], max: now.current.drawn.y[1], auto: false },
    },
    axes: [
      { ...axis, size: 30, space: 90, values: (plot, splits) => splits.map((at) => now.current.time(at, span(plot))) },
      { ...axis, size: 58, values: (_plot, splits) => splits.map((value) => now.current.number(value)) },
    ],
    series: [
      {},
      { stroke: 'transparent', points: { show: false } },
      // What comes when it comes is points: a line between them would tell of values that nobody measured.
      now.current.drawn.regular
        ? { stroke: line, width: 1.5, points: { size: 4, fill: line, stroke: line } }
        : { stroke: colour('--faint'), width: 1, points: { show: true, size: 4, fill: line, stroke: line, width: 0 } },
      { stroke: 'transparent', points: { show: false } },
    ],
    bands: [{ series: [3, 1], fill: colour('--band') }],
    hooks: {
      drawClear: [(plot) => hatch(plot, now.current.drawn.gaps, grid)],
      draw: [
        (plot) => {
          for (const limit of now.current.drawn.limits) {
            level(
              plot,
              limit.raise_at,
              now.current.limitWords(limit.raise_at, limit.severity),
              severity(limit.severity),
              font,
            )
          }
          for (const mark of now.current.marks) moment(plot, mark, mark.main ? severity(mark.severity) : dim, font)
        },
      ],
      setCursor: [(plot) => now.current.onCursor(plot.cursor.idx ?? null)],
    },
  }
}

const span = (plot: uPlot): number => (plot.scales.x?.max ?? 0) - (plot.scales.x?.min ?? 0)

/** A gap is shown as one: striped, so that it can't be taken for a flat line or for a quiet one. */
function hatch(plot: uPlot, gaps: Drawn['gaps'], colour: string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = colour
  ctx.lineWidth = devicePixelRatio
  for (const [from, to] of gaps) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left)
    const right = Math.min(plot.valToPos(to, 'x', true), bbox.left + bbox.width)
    if (right - left < 1) continue
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, bbox.top, right - left, bbox.height)
    ctx.clip()
    ctx.beginPath()
    for (let x = left - bbox.height; x < right; x += 9 * devicePixelRatio) {
      ctx.moveTo(x, bbox.top + bbox.height)
      ctx.lineTo(x + bbox.height, bbox.top)
    }
    ctx.stroke()
    ctx.restore()
  }
  ctx.restore()
}

function level(plot: uPlot, value: number, words: string, colour: string, font: string): void {
  const { ctx, bbox } = plot
  const y = plot.valToPos(value, 'y', true)
  if (y < bbox.top || y > bbox.top + bbox.height) return
  ctx.save()
  ctx.strokeStyle = colour
  ctx.fillStyle = colour
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.font = scaled(font)
  ctx.textAlign = 'left'
  ctx.textBaseline = y - bbox.top < 18 * devicePixelRatio ? 'top' : 'bottom'
  ctx.fillText(words, bbox.left + 4 * devicePixelRatio, y + (ctx.textBaseline === 'top' ? 3 : -3) * devicePixelRatio)
  ctx.restore()
}

function moment(plot: uPlot, mark: Mark, colour: string, font: string): void {
  const { ctx, bbox } = plot
  const x = plot.valToPos(mark.at, 'x', true)
  if (x < bbox.left || x > bbox.left + bbox.width) return
  ctx.save()
  ctx.strokeStyle = colour
  ctx.fillStyle = colour
  ctx.lineWidth = (mark.main ? 2 : 1) * devicePixelRatio
  ctx.beginPath()
  ctx.moveTo(x, bbox.top - 4 * devicePixelRatio)
  // Others are told by a tick at the upper edge: a fence of lines would hide the curve.
  ctx.lineTo(x, bbox.top + (mark.main ? bbox.height : 7 * devicePixelRatio))
  ctx.stroke()
  if (mark.main) {
    // A flag: the fault is told by a shape and a word, not by its colour alone.
    ctx.beginPath()
    ctx.moveTo(x - 5 * devicePixelRatio, bbox.top - 10 * devicePixelRatio)
    ctx.lineTo(x + 5 * devicePixelRatio, bbox.top - 10 * devicePixelRatio)
    ctx.lineTo(x, bbox.top - 2 * devicePixelRatio)
    ctx.fill()
    ctx.font = scaled(font)
    const right = x > bbox.left + bbox.width * 0.7
    ctx.textAlign = right ? 'right' : 'left'
    ctx.textBaseline = 'bottom'
    ctx.fillText(mark.label, x + (right ? -9 : 9) * devicePixelRatio, bbox.top - 3 * devicePixelRatio)
  }
  ctx.restore()
}

const scaled = (font: string): string =>
  font.replace(/^(\d+)px/, (_all, size: string) => `${Number(size) * devicePixelRatio}px`)
