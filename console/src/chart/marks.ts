/** What is drawn over and under a curve: gaps, limits, what was asked for, each occurrence. In px of the canvas. */

import type uPlot from 'uplot'
import type { Series } from '../api/client.ts'
import type { Ink } from './ink.ts'
import type { Columns, Drawn, Occurrence } from './prepare.ts'

export interface Place {
  readonly plot: uPlot
  readonly ink: Ink
  readonly font: string
}

const px = (css: number): number => css * devicePixelRatio

/** A gap is shown as one: striped, so that it can't be taken for a flat line or for a quiet one. */
export function hatch({ plot, ink }: Place, gaps: Drawn['gaps']): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = ink['edge-2']
  ctx.lineWidth = px(1)
  for (const [from, to] of gaps) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left)
    const right = Math.min(plot.valToPos(to, 'x', true), bbox.left + bbox.width)
    if (right - left < 1) continue
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, bbox.top, right - left, bbox.height)
    ctx.clip()
    ctx.beginPath()
    for (let x = left - bbox.height; x < right; x += px(9)) {
      ctx.moveTo(x, bbox.top + bbox.height)
      ctx.lineTo(x + bbox.height, bbox.top)
    }
    ctx.stroke()
    ctx.restore()
  }
  ctx.restore()
}

/** From the lowest to the highest of a bin in which several were measured. */
export function whiskers({ plot, ink }: Place, [x, lo, , hi]: Columns): void {
  const { ctx } = plot
  ctx.save()
  clipped(plot)
  ctx.strokeStyle = ink.line
  ctx.lineWidth = px(1)
  ctx.beginPath()
  x.forEach((at, index) => {
    const [low, high] = [lo[index], hi[index]]
    if (low === null || low === undefined || high === null || high === undefined || low === high) return
    const left = plot.valToPos(at, 'x', true)
    ctx.moveTo(left, plot.valToPos(low, 'y', true))
    ctx.lineTo(left, plot.valToPos(high, 'y', true))
  })
  ctx.stroke()
  ctx.restore()
}

/** What was asked for: a short bar at each point, beside which the point is what was delivered. */
export function asked({ plot, ink }: Place, set: Drawn['set']): void {
  if (set.length === 0) return
  const { ctx } = plot
  ctx.save()
  clipped(plot)
  ctx.strokeStyle = ink['text-2']
  ctx.lineWidth = px(2)
  ctx.beginPath()
  for (const [at, value] of set) {
    const [x, y] = [plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true)]
    ctx.moveTo(x - px(5), y)
    ctx.lineTo(x + px(5), y)
  }
  ctx.stroke()
  ctx.restore()
}

/**
 * Each occurrence: a bar over the picture for as long as it lasted, with its number; the fault itself as a line through
 * the picture with its time. Told by shapes and words, not by colour alone.
 */
export function occurrences({ plot, ink, font }: Place, found: readonly Occurrence[], words: (at: number) => string) {
  const { ctx, bbox } = plot
  const [left, right] = [bbox.left, bbox.left + bbox.width]
  ctx.save()
  ctx.font = font
  ctx.textBaseline = 'bottom'
  const main = found.find((each) => each.main)
  const flag = main === undefined ? null : plot.valToPos(main.from, 'x', true)
  let free = Number.NEGATIVE_INFINITY
  found.forEach((each, index) => {
    const x = plot.valToPos(each.from, 'x', true)
    const end = each.to === null ? right : plot.valToPos(each.to, 'x', true)
    if (end < left || x > right) return
    ctx.fillStyle = ctx.strokeStyle = ink[each.severity]
    const from = Math.max(x, left)
    ctx.fillRect(from, bbox.top - px(6), Math.max(Math.min(end, right) - from, px(3)), px(4))
    for (const again of each.again) {
      const back = plot.valToPos(again, 'x', true)
      if (back >= left && back <= right) ctx.fillRect(back - px(1), bbox.top - px(9), px(2), px(7))
    }
    if (each.main || x < left) return
    ctx.fillRect(x - px(0.5), bbox.top - px(6), px(1), px(14))
    const label = String(index + 1)
    const wide = ctx.measureText(label).width
    const hidden = flag !== null && Math.abs(flag - x) < px(16)
    if (x < free || hidden) return
    ctx.textAlign = 'center'
    ctx.fillText(label, Math.max(x, left + wide / 2), bbox.top - px(9))
    free = x + wide + px(8)
  })
  if (main !== undefined && flag !== null && flag >= left && flag <= right) {
    ctx.fillStyle = ctx.strokeStyle = ink[main.severity]
    ctx.lineWidth = px(2)
    ctx.beginPath()
    ctx.moveTo(flag, bbox.top - px(10))
    ctx.lineTo(flag, bbox.top + bbox.height)
    ctx.stroke()
    ctx.beginPath()
    ctx.moveTo(flag - px(5), bbox.top - px(16))
    ctx.lineTo(flag + px(5), bbox.top - px(16))
    ctx.lineTo(flag, bbox.top - px(8))
    ctx.fill()
    const late = flag > left + bbox.width * 0.6
    ctx.textAlign = late ? 'right' : 'left'
    ctx.fillText(words(main.from), flag + px(late ? -9 : 9), bbox.top - px(22))
  }
  ctx.restore()
}

/** The limits, each with its words at the side where the fault isn't, and none over another. */
export function chips(place: Place, limits: Series['limits'], found: readonly Occurrence[], words: Words): void {
  const { plot, ink, font } = place
  const { ctx, bbox } = plot
  const main = found.find((each) => each.main)
  const flag = main === undefined ? null : plot.valToPos(main.from, 'x', true)
  const atLeft = flag !== null && flag > bbox.left + bbox.width / 2
  const high = px(16)
  ctx.save()
  ctx.font = font
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  ctx.lineWidth = px(1)
  const seen = limits
    .map((limit) => ({ limit, y: plot.valToPos(limit.raise_at, 'y', true) }))
    .filter(({ y }) => y >= bbox.top && y <= bbox.top + bbox.height)
    .sort((a, b) => a.y - b.y)
  let free = bbox.top
  for (const { limit, y } of seen) {
    ctx.strokeStyle = ink[limit.severity]
    ctx.setLineDash([px(6), px(4)])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
    const [full, short] = words(limit)
    const text = ctx.measureText(full).width < bbox.width * 0.6 ? full : short
    const wide = Math.min(ctx.measureText(text).width + px(8), bbox.width)
    const left = atLeft ? bbox.left + px(4) : bbox.left + bbox.width - wide - px(4)
    const top = Math.min(Math.max(y - high / 2, free), bbox.top + bbox.height - high)
    ctx.fillStyle = ink['bg-1']
    ctx.fillRect(left, top, wide, high)
    ctx.fillStyle = ink[limit.severity]
    ctx.fillText(text, left + px(4), top + high / 2, wide - px(8))
    free = top + high + px(1)
  }
  ctx.restore()
}

type Words = (limit: Series['limits'][number]) => readonly [string, string]

function clipped({ ctx, bbox }: uPlot): void {
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top - px(4), bbox.width, bbox.height + px(8))
  ctx.clip()
}
