/** Small things that every part of the page shows in the same way: severity, age, time, state of loading. */

import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Failure, type Severity } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import { ageParts, inWords } from '../words/age.ts'
import { clock, moment, whole } from '../words/format.ts'
import type { Language } from '../words/i18n.ts'
import { SHAPES } from './shapes.ts'
import './words.ts'

export function useLanguage(): Language {
  const { i18n } = useTranslation()
  return i18n.language === 'en' ? 'en' : 'zh'
}

// One timer for all ages on the page.
const tickers = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined
let second = Math.floor(serverNow() / 1_000)

function subscribe(listener: () => void): () => void {
  tickers.add(listener)
  ticking ??= setInterval(() => {
    second = Math.floor(serverNow() / 1_000)
    for (const each of tickers) each()
  }, 1_000)
  return () => {
    tickers.delete(listener)
    if (tickers.size === 0) {
      clearInterval(ticking)
      ticking = undefined
    }
  }
}

/** The server's time in ms, to the second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => second) * 1_000
}

/** A duration in words. */
export function useDuration(): (ms: number) => string {
  const { t } = useTranslation()
  return (ms) => {
    const { unit, count } = ageParts(ms)
    return t(`ui.age.${unit}`, { count })
  }
}

/** How long ago, counting on; the exact time in its title. Drawn anew only when its words change. */
export function Age({ at }: { at: string | number | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const duration = useDuration()
  const when = typeof at === 'string' ? Date.parse(at) : at
  const age = useSyncExternalStore(subscribe, () => (when === null ? 0 : inWords(second * 1_000 - when)))
  if (when === null) return <span className="age">{t('ui.age.unknown')}</span>
  return (
    <time className="age" dateTime={new Date(when).toISOString()} title={whole(when, language)}>
      {age < 1_000 ? t('ui.age.now') : t('ui.age.ago', { age: duration(age) })}
    </time>
  )
}

export function Moment({ at }: { at: string | number }) {
  const language = useLanguage()
  const when = typeof at === 'number' ? at : Date.parse(at)
  return (
    <time dateTime={new Date(when).toISOString()} title={whole(when, language)}>
      {moment(when, serverNow(), language)}
    </time>
  )
}

export function Clock({ at }: { at: number }) {
  return <>{clock(at, useLanguage())}</>
}

export function SeverityMark({ severity, word = true }: { severity: Severity; word?: boolean }) {
  const { t } = useTranslation()
  const name = t(`ui.severity.${severity}`)
  return (
    <span className={`severity severity-${severity}`} title={word ? undefined : name}>
      <svg viewBox="0 0 16 16" width="14" height="14" fillRule="evenodd" aria-hidden="true">
        <path d={SHAPES[severity]} />
      </svg>
      {word ? name : <span className="unseen">{name}</span>}
    </span>
  )
}

/** What went wrong, in words. */
export function useProblem(): (error: unknown) => string {
  const { t, i18n } = useTranslation()
  return (error) => {
    if (!(error instanceof Failure)) return t('ui.problem.network')
    const known = `ui.problem.${error.code}`
    return i18n.exists(known)
      ? i18n.t(known as 'ui.problem.network')
      : t('ui.problem.unknown', { status: error.status })
  }
}

export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation()
  const problem = useProblem()
  return (
    <div className="failed" role="alert">
      <p>
        {t('ui.panel.error')}：{problem(error)}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        {t('ui.panel.retry')}
      </button>
    </div>
  )
}

/** Grey bars where text will be. */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  const { t } = useTranslation()
  return (
    <div className="skeleton" role="status">
      <span className="unseen">{t('ui.loading')}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are all alike
        <div key={row} className="bone" aria-hidden="true" />
      ))}
    </div>
  )
}

/** A choice of a few, shown as one row of buttons. */
export function Choice<T extends string>(props: {
  label: string
  value: T
  options: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}) {
  return (
    <fieldset className="choice">
      <legend className="unseen">{props.label}</legend>
      {props.options.map(([value, words]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {words}
        </button>
      ))}
    </fieldset>
  )
}
