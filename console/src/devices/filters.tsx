/** What narrows the list of devices. */

import { useTranslation } from 'react-i18next'
import type { Facet } from '../list/filters.tsx'
import { useHospital } from '../list/hospital.tsx'
import { useNarrowing } from '../list/narrow.tsx'
import { pick } from '../list/pick.tsx'
import { useLanguage } from '../ui/bits.tsx'
import type { DeviceSearch } from './filter.ts'
import { countQuery } from './queries.ts'
import { HOWS } from './summary.ts'
import './words.ts'

export function useFacets(search: DeviceSearch, onAsk: (change: Partial<DeviceSearch>) => void): readonly Facet[] {
  const { t } = useTranslation()
  const language = useLanguage()
  const without = (by: 'site' | 'model') => countQuery(language, { ...search, [by]: undefined }, by)
  return [
    pick({
      id: 'how',
      label: t('devices.column.how'),
      value: search.how?.[0],
      any: t('devices.anyHow'),
      options: HOWS.map((how) => [how, t(`devices.how.${how}`)]),
      onChange: (how) => onAsk({ how: how === undefined ? undefined : [how] }),
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
