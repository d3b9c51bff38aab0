/** What narrows the list of alerts, and how it is grouped. */

import { useTranslation } from 'react-i18next'
import type { Facet } from '../list/filters.tsx'
import { useHospital } from '../list/hospital.tsx'
import { useNarrowing } from '../list/narrow.tsx'
import { pick } from '../list/pick.tsx'
import { useSeverities } from '../list/severities.tsx'
import { useLanguage } from '../ui/bits.tsx'
import { type AlertSearch, filterOf, GROUPS, WHOS } from './filter.ts'
import { countQuery } from './queries.ts'
import './words.ts'

export function useFacets(search: AlertSearch, onAsk: (change: Partial<AlertSearch>) => void): readonly Facet[] {
  const { t } = useTranslation()
  const language = useLanguage()
  const without = (by: 'site' | 'model') => countQuery(language, filterOf({ ...search, [by]: undefined }), by)
  return [
    useSeverities(search.severity, (severity) => onAsk({ severity })),
    pick({
      id: 'who',
      label: t('alerts.filter.who'),
      value: search.who,
      any: t('alerts.filter.everybody'),
      options: WHOS.map((who) => [who, t(`alerts.filter.${who}`)]),
      onChange: (who) => onAsk({ who }),
    }),
    // A site is one hospital's.
    ...useHospital({ value: search.hospital, onChange: (hospital) => onAsk({ hospital, site: undefined }) }),
    useNarrowing({
      by: 'site',
      value: search.site?.toString(),
      query: without('site'),
      onChange: (site) => onAsk({ site: site === undefined ? undefined : Number(site) }),
    }),
    useNarrowing({
      by: 'model',
      value: search.model,
      query: without('model'),
      onChange: (model) => onAsk({ model }),
    }),
    {
      ...pick({
        id: 'group',
        label: t('alerts.filter.group'),
        value: search.group,
        any: t('alerts.filter.flat'),
        options: [
          ['site', t('alerts.filter.bySite')],
          ['ticket', t('alerts.filter.byTicket')],
        ],
        onChange: (group) => onAsk({ group: GROUPS.find((one) => one === group), open: undefined }),
      }),
      // It leaves nothing out.
      chosen: undefined,
    },
  ]
}
