/** What narrows the list of alerts, and how it is grouped. */

import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Search } from '../list/search.tsx'
import { useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { SEVERITIES } from '../ui/severity.ts'
import { type AlertSearch, filterOf, GROUPS, WHOS } from './filter.ts'
import { countQuery } from './queries.ts'
import './words.ts'
import '../ui/words.ts'

export function Filters({ search, onAsk }: { search: AlertSearch; onAsk: (change: Partial<AlertSearch>) => void }) {
  const { t } = useTranslation()
  const toggle = (severity: (typeof SEVERITIES)[number]) => {
    const now = search.severity ?? []
    const next = SEVERITIES.filter((one) => now.includes(one) !== (one === severity))
    onAsk({ severity: next.length === 0 ? undefined : next })
  }
  return (
    <>
      <Search value={search.q ?? ''} onChange={(q) => onAsk({ q: q || undefined })} hint={t('alerts.hint')} />
      <fieldset className="choice">
        <legend className="unseen">{t('alerts.filter.severity')}</legend>
        {SEVERITIES.map((severity) => (
          <button
            key={severity}
            type="button"
            aria-pressed={search.severity?.includes(severity) ?? false}
            onClick={() => toggle(severity)}
          >
            {t(`ui.severity.${severity}`)}
          </button>
        ))}
      </fieldset>
      <select
        aria-label={t('alerts.filter.who')}
        value={search.who ?? ''}
        onChange={({ target }) => onAsk({ who: WHOS.find((who) => who === target.value) })}
      >
        <option value="">{t('alerts.filter.everybody')}</option>
        {WHOS.map((who) => (
          <option key={who} value={who}>
            {t(`alerts.filter.${who}`)}
          </option>
        ))}
      </select>
      <Narrowed
        by="site"
        value={search.site?.toString()}
        search={search}
        onAsk={(site) => onAsk({ site: site === undefined ? undefined : Number(site) })}
      />
      <Narrowed by="model" value={search.model} search={search} onAsk={(model) => onAsk({ model })} />
      <select
        aria-label={t('alerts.filter.group')}
        value={search.group ?? ''}
        onChange={({ target }) => onAsk({ group: GROUPS.find((group) => group === target.value), open: undefined })}
      >
        <option value="">{t('alerts.filter.flat')}</option>
        <option value="site">{t('alerts.filter.bySite')}</option>
        <option value="ticket">{t('alerts.filter.byTicket')}</option>
      </select>
    </>
  )
}

/** To one site or model of those that the list has without this filter, with how many each has. */
function Narrowed(props: {
  by: 'site' | 'model'
  value: string | undefined
  search: AlertSearch
  onAsk: (value: string | undefined) => void
}) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const { by, value } = props
  const others = filterOf({ ...props.search, [by]: undefined })
  const choices = useQuery({ ...countQuery(language, others, by, false), enabled: begun })
  const groups = choices.data?.groups ?? []
  return (
    <select
      aria-label={t(`alerts.filter.${by}`)}
      value={value ?? ''}
      onChange={({ target }) => props.onAsk(target.value === '' ? undefined : target.value)}
    >
      <option value="">{t(by === 'site' ? 'alerts.filter.anySite' : 'alerts.filter.anyModel')}</option>
      {value === undefined || groups.some(({ key }) => key === value) ? null : <option value={value}>{value}</option>}
      {groups.map(({ key, name, place, count }) => (
        <option key={key} value={key}>
          {[place, name].filter((part) => part !== '').join(' · ')} ({count})
        </option>
      ))}
    </select>
  )
}
