import { queryOptions, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, taken } from '../api/client.ts'
import { LOOK_AGAIN_MS } from '../api/reading.ts'
import { useDuration } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import './desk.css'
import './words.ts'

/** Whether people are told of tickets; changes seldom, and is on no stream. */
const tellingQuery = queryOptions({
  queryKey: ['telling'],
  queryFn: ({ signal }) => taken(api.GET('/api/v1/telling', { signal })),
  refetchInterval: LOOK_AGAIN_MS,
})

/** Nobody is told of tickets, or not in time: said as long as it is so, to those who can mend it or call somebody. */
export function Untold() {
  const { t } = useTranslation()
  const duration = useDuration()
  const { begun } = useLive()
  const may = useMay('telling.read')
  const { data } = useQuery({ ...tellingQuery, enabled: begun && may })
  if (data === undefined) return null
  const lines: string[] = []
  for (const why of ['no-recipient', 'failing'] as const) {
    const of = data.untold.filter((each) => each.why === why)
    const first = of[0]?.hospital.name
    const many = of.length > 1 ? 'many' : 'one'
    if (first !== undefined) lines.push(t(`desk.untold.${why}.${many}`, { hospitals: of.length, first }))
  }
  if (data.overdue_s !== null) lines.push(t('desk.untold.overdue', { age: duration(data.overdue_s * 1_000) }))
  if (lines.length === 0) return null
  return (
    <p className="untold" role="status">
      <b>{t('desk.untold.title')}</b> {lines.join(' ')}
    </p>
  )
}
