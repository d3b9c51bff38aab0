/** What is known of equipment: its models' signals and codes, with what they mean and what to do. */

import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api/client.ts'
import { Search } from '../list/search.tsx'
import { Failed, SeverityMark, Skeleton, useDuration, useLanguage } from '../ui/bits.tsx'
import { Main, Title } from '../ui/main.tsx'
import { number, percent } from '../words/format.ts'
import type { Language } from '../words/i18n.ts'
import styles from './catalog.module.css'
import { modelsQuery } from './queries.ts'
import { catalogRoute } from './routes.ts'
import './words.ts'

type Model = Schemas['ModelShape']

export function CatalogPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { model: key, q } = catalogRoute.useSearch()
  const navigate = useNavigate({ from: catalogRoute.fullPath })
  const models = useQuery(modelsQuery(language))
  const sought = useDeferredValue(q ?? '')
  const model = models.data?.find((each) => each.key === key) ?? models.data?.[0]
  return (
    <Main title={t('catalog.title')}>
      <Title>{t('catalog.title')}</Title>
      <p className={`muted ${styles.lead}`}>{t('catalog.lead')}</p>
      {model === undefined ? (
        models.isError ? (
          <Failed error={models.error} onRetry={() => void models.refetch()} />
        ) : (
          <Skeleton rows={8} />
        )
      ) : (
        <>
          <search className={styles.tools}>
            <label>
              <span className="muted">{t('catalog.model')}</span>{' '}
              <select
                value={model.key}
                onChange={(event) =>
                  void navigate({ search: (before) => ({ ...before, model: event.target.value }), replace: true })
                }
              >
                {models.data?.map((each) => (
                  <option key={each.key} value={each.key}>
                    {each.name}
                  </option>
                ))}
              </select>
            </label>
            <Search
              value={q ?? ''}
              onChange={(typed) =>
                void navigate({ search: (before) => ({ ...before, q: typed || undefined }), replace: true })
              }
              hint={t('catalog.find')}
            />
          </search>
          <Known model={model} q={sought} />
        </>
      )}
    </Main>
  )
}

const has = (q: string, ...texts: readonly string[]): boolean => {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  const all = texts.join('\n').toLowerCase()
  return words.every((word) => all.includes(word))
}

const figure = (value: number, symbol: string, language: Language): string =>
  `${number(value, language)}${symbol === '' || symbol === '%' ? '' : ' '}${symbol}`

function Known({ model, q }: { model: Model; q: string }) {
  const { t } = useTranslation()
  const families = new Map(model.families.map((family) => [family.key, family]))
  const codes = model.faults.filter((code) => {
    const family = families.get(code.family)
    const parts = family?.parts.map(({ name }) => name) ?? []
    return has(q, code.code, code.name, code.stops, code.advice, family?.name ?? '', ...parts)
  })
  const signals = model.signals.filter((signal) =>
    has(q, signal.metric, signal.name, ...signal.rules.map(({ title, advice }) => `${title} ${advice}`)),
  )
  if (codes.length + signals.length === 0) return <p className="empty">{t('catalog.none')}</p>
  return (
    <>
      <Signals signals={signals} open={q !== ''} />
      <section aria-labelledby="codes">
        <h2 id="codes" className={styles.heading}>
          {t('catalog.codes', { count: codes.length })}
        </h2>
        <ul className={styles.codes}>
          {codes.map((code) => (
            <li key={code.code}>
              <p className={styles.code}>
                <SeverityMark severity={code.severity} />
                <code>{code.code}</code>
                <strong>{code.name}</strong>
                <span className="badge">{families.get(code.family)?.name}</span>
                <span className="muted">{t(code.ticket ? 'catalog.ticket' : 'catalog.noTicket')}</span>
              </p>
              <p>
                <span className="muted">{t('catalog.stops')}</span> {code.stops}
              </p>
              <p>
                <span className="muted">{t('catalog.advice')}</span> {code.advice}
              </p>
              <More family={families.get(code.family)} source={code.source} />
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}

/** Causes and parts are the family's; seldom looked at here, as a ticket has them. */
function More({ family, source }: { family: Model['families'][number] | undefined; source: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (family === undefined) return null
  return (
    <details className={styles.more}>
      <summary className="muted">{t('catalog.more')}</summary>
      <p>
        <span className="muted">{t('catalog.causes')}</span> {family.causes.join('；')}
      </p>
      <ul>
        {family.parts.map((part) => (
          <li key={part.name}>
            {part.name} × {part.quantity} <span className="muted">{part.spec}</span>{' '}
            {percent(part.probability, language)}
          </li>
        ))}
      </ul>
      <p className="muted">
        {t('catalog.source')} {source}
      </p>
    </details>
  )
}

function Signals({ signals, open }: { signals: Model['signals']; open: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const duration = useDuration()
  if (signals.length === 0) return null
  return (
    <section aria-labelledby="known-signals">
      <details open={open} className={styles.fold}>
        <summary>
          <h2 id="known-signals" className={styles.heading}>
            {t('catalog.signals', { count: signals.length })}
          </h2>
        </summary>
        <table>
          <tbody>
            {signals.map((signal) => (
              <tr key={signal.metric}>
                <th scope="row">{signal.name}</th>
                <td>
                  <code>{signal.metric}</code>
                </td>
                <td className="muted">
                  {t('catalog.range', {
                    low: number(signal.minimum, language),
                    high: figure(signal.maximum, signal.symbol, language),
                  })}
                </td>
                <td>
                  {signal.rules.map((rule) => (
                    <p key={rule.rule}>
                      <SeverityMark severity={rule.severity} word={false} /> {rule.title}{' '}
                      <span className="muted">
                        {t(`catalog.${rule.op}`, { limit: figure(rule.raise_at, signal.symbol, language) })}
                        {rule.for_s === 0 ? null : t('catalog.lasts', { time: duration(rule.for_s * 1_000) })}
                      </span>
                    </p>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}
