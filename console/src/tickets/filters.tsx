/** What narrows the list of tickets. */

import { useTranslation } from 'react-i18next'
import type { Facet } from '../list/filters.tsx'
import { useHospital } from '../list/hospital.tsx'
import { useNarrowing } from '../list/narrow.tsx'
import { pick } from '../list/pick.tsx'
import { useSeverities } from '../list/severities.tsx'
import { useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { filterOf, type TicketSearch } from './filter.ts'
import { AGES } from './kind.ts'
import { countQuery } from './queries.ts'
import './words.ts'

export function useFacets(search: TicketSearch, onAsk: (change: Partial<TicketSearch>) => void): readonly Facet[] {
  const { t } = useTranslation()
  const language = useLanguage()
  const { who } = usePage()
  const { holder } = search
  const without = (by: 'site' | 'model') => countQuery(language, filterOf({ ...search, [by]: undefined }), by)
  return [
    useSeverities(search.severity, (severity) => onAsk({ severity })),
    pick({
      id: 'holder',
      label: t('tickets.column.holder'),
      value: holder,
      any: t('tickets.any.holder'),
      options: [
        [who.user, t('tickets.any.mine')],
        ['none', t('tickets.any.nobody')],
        ...(holder === undefined || holder === who.user || holder === 'none' ? [] : [[holder, holder] as const]),
      ],
      onChange: (chosen) => onAsk({ holder: chosen }),
    }),
    pick({
      id: 'age',
      label: t('tickets.column.age'),
      value: search.age?.[0],
      any: t('tickets.any.age'),
      options: AGES.map((age) => [age, t(`tickets.age.${age}`)]),
      onChange: (age) => onAsk({ age: age === undefined ? undefined : [age] }),
    }),
    ...useHospital({ value: search.hospital, onChange: (hospital) => onAsk({ hospital, site: undefined }) }),
    useNarrowing({
      by: 'site',
      value: search.site?.toString(),
      query: without('site'),
      onChange: (site) => onAsk({ site: site === undefined ? undefined : Number(site) }),
    }),
    useNarrowing({ by: 'model', value: search.model, query: without('model'), onChange: (model) => onAsk({ model }) }),
  ]
}
