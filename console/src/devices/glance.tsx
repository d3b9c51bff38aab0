import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { devicesQuery } from './queries.ts'
import { summary } from './summary.ts'
import './devices.css'

/** How many devices are well, ill, or unknown; none of that while the feed is dead. */
export function Glance() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun, stale } = useLive()
  const { data } = useQuery({ ...devicesQuery(language), enabled: begun })
  if (data === undefined) return null
  const count = { well: 0, ill: 0, unknown: 0 }
  for (const device of data.items) count[stale ? 'unknown' : summary(device)] += 1
  return (
    <ul className="summary" aria-label={t('devices.glance.title')}>
      {(['ill', 'unknown', 'well'] as const).map((how) => (
        <li key={how} className={`summary-${how}`} data-none={count[how] === 0}>
          <b>{count[how]}</b> {t(`devices.glance.${how}`)}
        </li>
      ))}
    </ul>
  )
}
