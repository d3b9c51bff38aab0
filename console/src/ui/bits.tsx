/** Small things that every part of the page shows in the same way: severity, age, time, state of loading. */

import { type ReactNode, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Failure, type Severity } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import { ageParts } from '../words/age.ts'
import { clock, moment, whole } from '../words/format.ts'
import type { Language } from '../words/i18n.ts'
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

/** How long ago, counting on; the exact time in its title. */
export function Age({ at }: { at: string | number | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const duration = useDuration()
  const now = useNow()
  if (at === null) return <span className="age">{t('ui.age.unknown')}</span>
  const when = typeof at === 'number' ? at : Date.parse(at)
  return (
    <time className="age" dateTime={new Date(when).toISOString()} title={whole(when, language)}>
      {now - when < 1_000 ? t('ui.age.now') : t('ui.age.ago', { age: duration(now - when) })}
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

// Shapes first: the four differ without any colour.
const SHAPES: Record<Severity, ReactNode> = {
  critical: <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5zM7.2 4l.3 5h1l.3-5zM8 10.5a1 1 0 1 0 0 2 1 1 0 0 0 0-2z" />,
  major: <path d="M8 1.5 15.2 14H.8zM7.3 6l.3 4h.8l.3-4zM8 10.9a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8z" />,
  minor: <path d="M8 1.2 14.8 8 8 14.8 1.2 8z" />,
  warning: <path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6z" />,
}

export function SeverityMark({ severity, word = true }: { severity: Severity; word?: boolean }) {
  const { t } = useTranslation()
  const name = t(`ui.severity.${severity}`)
  return (
    <span className={`severity severity-${severity}`} title={word ? undefined : name}>
      <svg viewBox="0 0 16 16" width="14" height="14" fillRule="evenodd" aria-hidden="true">
        {SHAPES[severity]}
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
