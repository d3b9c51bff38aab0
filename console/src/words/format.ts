/** Times and numbers as a person reads them. Times are in the browser's zone, which the page names. */

import type { Language } from './i18n.ts'
import units from './units.json' with { type: 'json' }

const TAG: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' }
const formats = new Map<string, Intl.DateTimeFormat>()

function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language}${JSON.stringify(options)}`
  const made = formats.get(key) ?? new Intl.DateTimeFormat(TAG[language], { hourCycle: 'h23', ...options })
  formats.set(key, made)
  return made
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' }
const DAY: Intl.DateTimeFormatOptions = { month: '2-digit', day: '2-digit' }

export const clock = (at: number, language: Language): string => format(language, CLOCK).format(at)

/** With its date unless it was on the same day as `now`. */
export function moment(at: number, now: number, language: Language): string {
  const day = format(language, { ...DAY, year: 'numeric' })
  return day.format(at) === day.format(now) ? clock(at, language) : format(language, { ...DAY, ...CLOCK }).format(at)
}

/** All of it, with the zone's name; `timeZone` of the site, else the browser's. */
export function whole(at: number, language: Language, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone }
  return format(language, { year: 'numeric', ...DAY, ...CLOCK, timeZoneName: 'shortOffset', ...zone }).format(at)
}

/** The browser's zone with its offset now: `Asia/Shanghai (GMT+8)`. */
export function zoneName(now: number, language: Language): string {
  const made = format(language, { timeZoneName: 'shortOffset' })
  const offset = made.formatToParts(now).find((part) => part.type === 'timeZoneName')?.value ?? ''
  return `${made.resolvedOptions().timeZone} (${offset})`
}

export const browserZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** At most `digits` significant ones, grouped; no exponent for what people know as a plain number. */
export function number(value: number | null | undefined, language: Language, digits = 5): string {
  if (value === null || value === undefined) return '–'
  return new Intl.NumberFormat(TAG[language], {
    maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(Math.abs(value) + 1))),
  }).format(value)
}

export const percent = (share: number, language: Language): string =>
  new Intl.NumberFormat(TAG[language], { style: 'percent', maximumFractionDigits: 0 }).format(share)

/** The symbol of a UCUM code, as the catalog has it; the code itself where it has none. */
export function symbol(unit: string): string {
  return (units as Record<string, string>)[unit] ?? unit
}
