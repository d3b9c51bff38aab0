/** Where the marks of a time axis stand, and what they say, in the browser's zone. */

import type { Language } from '../words/i18n.ts'
import type { Range } from './view.ts'

const [S, M, H, D] = [1_000, 60_000, 3_600_000, 86_400_000] as const
const STEPS = [
  ...[5, 10, 15, 30].map((n) => n * S),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * M),
  ...[1, 2, 3, 6, 12].map((n) => n * H),
  ...[1, 2, 7, 14, 30, 90, 180, 365].map((n) => n * D),
]

const DAY = { month: '2-digit', day: '2-digit' } as const
const CLOCK = { hour: '2-digit', minute: '2-digit' } as const
const FORMS = {
  second: { ...CLOCK, second: '2-digit' },
  minute: CLOCK,
  day: DAY,
  year: { ...DAY, year: 'numeric' },
} as const
const formats = new Map<string, Intl.DateTimeFormat>()

/** What a mark of an axis with marks so far apart says; midnight is a day. */
export function tickWords(at: number, step: number, language: Language): string {
  const midnight = new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0
  const form = step >= 90 * D ? 'year' : step >= D || (midnight && step >= M) ? 'day' : step >= M ? 'minute' : 'second'
  const key = `${language}.${form}`
  const made =
    formats.get(key) ??
    new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { hourCycle: 'h23', ...FORMS[form] })
  formats.set(key, made)
  return made.format(at)
}

/** Round moments of local time, in ms, at most `most` of them. */
export function ticks({ from, to }: Range, most: number): { readonly step: number; readonly at: readonly number[] } {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? 365 * D
  const shift = new Date(from).getTimezoneOffset() * M
  const at: number[] = []
  for (let next = Math.ceil((from - shift) / step) * step + shift; next <= to; next += step) at.push(next)
  return { step, at }
}
