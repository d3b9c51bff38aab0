import { useTranslation } from 'react-i18next'
import { SeverityMark, useDuration } from '../ui/bits.tsx'
import type { Occurrence } from './prepare.ts'
import './words.ts'

const MOST = 6

/** Each time that it happened, with the number that it has in the picture; none where it happened once. */
export function Occurrences({ found, when }: { found: readonly Occurrence[]; when: (ms: number) => string }) {
  const { t } = useTranslation()
  const duration = useDuration()
  if (found.length < 2 && !found.some((each) => each.again.length > 0)) return null
  const hidden = Math.max(found.length - MOST, 0)
  return (
    <section className="occurrences">
      <h4>{t('chart.occurrences', { count: found.length })}</h4>
      <ol start={hidden + 1}>
        {found.slice(hidden).map((each, at) => (
          <li key={each.from} value={hidden + at + 1} aria-current={each.main}>
            <SeverityMark severity={each.severity} word={false} /> {when(each.from * 1_000)}
            {each.to === each.from
              ? ''
              : ` · ${each.to === null ? t('chart.lasts') : duration((each.to - each.from) * 1_000)}`}
            {each.again.length > 0 ? ` · ${t('chart.again', { count: each.again.length })}` : ''}
            {each.main ? <b> · {t('chart.this')}</b> : null}
            {each.text === '' ? null : <span className="muted"> {each.text}</span>}
          </li>
        ))}
      </ol>
      {hidden > 0 ? <p className="muted">{t('chart.earliest', { count: hidden })}</p> : null}
    </section>
  )
}
