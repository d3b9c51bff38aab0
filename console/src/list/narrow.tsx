import { type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useLive } from '../ui/context.tsx'
import type { Facet } from './filters.tsx'
import '../ui/words.ts'

/** What may be chosen is counted again only after so long, in ms: the list itself is the present. */
const CHOICES_MS = 60_000

interface Counted {
  readonly groups: readonly { key: string; name: string; place: string; count: number }[]
  readonly more: number
}

interface Narrowing {
  readonly by: 'site' | 'model'
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
  /** Counts the list without this filter. */
  // biome-ignore lint/suspicious/noExplicitAny: of alerts, tickets and devices alike
  readonly query: UseQueryOptions<any, Error, any, any>
}

function useChoices(query: Narrowing['query']): Counted {
  const { begun } = useLive()
  const { data } = useQuery<Counted, Error, Counted, QueryKey>({
    ...query,
    queryKey: ['choices', ...(query.queryKey as QueryKey)],
    staleTime: CHOICES_MS,
    enabled: begun,
  })
  return data ?? NONE
}

const NONE: Counted = { groups: [], more: 0 }

const nameOf = ({ place, name }: Counted['groups'][number]) => [place, name].filter((part) => part !== '').join(' · ')

/** To one of the sites or models that a list has without this filter, with how many each has. */
export function useNarrowing(of: Narrowing): Facet {
  const { t } = useTranslation()
  const { by, value } = of
  return {
    id: by,
    label: t(`ui.list.${by}`),
    chosen: value === undefined ? undefined : <Chosen {...of} value={value} />,
    onClear: () => of.onChange(undefined),
    control: <Narrow {...of} />,
  }
}

function Chosen({ query, value }: Narrowing & { value: string }) {
  const found = useChoices(query).groups.find(({ key }) => key === value)
  return <bdi>{found === undefined ? value : nameOf(found)}</bdi>
}

function Narrow({ by, value, query, onChange }: Narrowing) {
  const { t } = useTranslation()
  const { groups, more } = useChoices(query)
  return (
    <select
      aria-label={t(`ui.list.${by}`)}
      value={value ?? ''}
      onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
    >
      <option value="">{t(`ui.list.any.${by}`)}</option>
      {value === undefined || groups.some(({ key }) => key === value) ? null : <option value={value}>{value}</option>}
      {groups.map((group) => (
        <option key={group.key} value={group.key}>
          {nameOf(group)} ({group.count})
        </option>
      ))}
      {more === 0 ? null : <option disabled>{t('ui.list.moreChoices', { count: more })}</option>}
    </select>
  )
}
