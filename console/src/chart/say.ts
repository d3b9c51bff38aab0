/** Values of a signal as a person reads them. Pure. */

import { number } from '../words/format.ts'
import type { Language } from '../words/i18n.ts'

interface Said {
  readonly symbol: string
  readonly digits: number | null
  readonly limits: readonly { readonly raise_at: number }[]
}

const MOST = 6

/** A number with the signal's decimals; with more where it would else read as a limit that it isn't. */
export function figure(value: number | null | undefined, { digits, limits }: Said, language: Language): string {
  if (value === null || value === undefined || digits === null) return number(value, language, 4)
  const others = limits.map((limit) => limit.raise_at).filter((limit) => limit !== value)
  for (let places = digits; places < MOST; places += 1) {
    const text = fixed(value, places, language)
    if (others.every((other) => fixed(other, places, language) !== text)) return text
  }
  return number(value, language, MOST)
}

/** The same with its unit. */
export function quantity(value: number | null | undefined, said: Said, language: Language): string {
  const text = figure(value, said, language)
  if (value === null || value === undefined || said.symbol === '') return text
  return said.symbol === '%' ? `${text}%` : `${text} ${said.symbol}`
}

const formats = new Map<string, Intl.NumberFormat>()

function fixed(value: number, places: number, language: Language): string {
  const key = `${language}${places}`
  const made =
    formats.get(key) ??
    new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
      minimumFractionDigits: places,
      maximumFractionDigits: places,
    })
  formats.set(key, made)
  return made.format(value)
}
