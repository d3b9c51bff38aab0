import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { foundQuery, type Organisation } from '../places/queries.ts'
import './admin.css'
import './words.ts'
import '../people/words.ts'

/** An organisation, found by a part of its name: there are too many for one list. */
export function OrgPick(props: {
  label: string
  kind?: 'dealer' | 'hospital'
  value: number | null
  /** What stands for none of them, where that can be. */
  none?: string
  onChange: (org: Organisation) => void
  onNone?: () => void
}) {
  const { t } = useTranslation()
  const id = useId()
  const [typed, setTyped] = useState('')
  const part = useDeferredValue(typed.trim())
  const found = useQuery(foundQuery(props.kind, part))
  const orgs = (found.data?.items ?? []).filter(({ kind }) => kind !== 'operator')
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="search"
        value={typed}
        maxLength={100}
        placeholder={t('admin.orgs.find')}
        onChange={(event) => setTyped(event.target.value)}
      />
      <select
        aria-label={`${props.label}: ${t('admin.orgs.choose')}`}
        size={Math.min(Math.max(orgs.length + (props.none === undefined ? 0 : 1), 2), 6)}
        value={props.value === null ? '' : String(props.value)}
        onChange={(event) => {
          const org = orgs.find((each) => String(each.id) === event.target.value)
          if (org === undefined) props.onNone?.()
          else props.onChange(org)
        }}
      >
        {props.none === undefined ? null : <option value="">{props.none}</option>}
        {orgs.map((org) => (
          <option key={org.id} value={String(org.id)}>
            {org.name} · {t(`people.kind.${org.kind}`)}
          </option>
        ))}
      </select>
      <p className="muted">{found.data?.next ? t('admin.orgs.more') : ''}</p>
    </div>
  )
}
