import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { foundQuery, orgQuery } from '../places/queries.ts'
import { useLive, usePage } from '../ui/context.tsx'
import type { Facet } from './filters.tsx'
import '../ui/words.ts'

interface Of {
  readonly value: number | undefined
  readonly onChange: (hospital: number | undefined) => void
}

/** To one hospital of however many; none for a hospital's own people, who see no other. */
export function useHospital(of: Of): readonly Facet[] {
  const { t } = useTranslation()
  const { who } = usePage()
  if (who.org.kind === 'hospital') return []
  return [
    {
      id: 'hospital',
      label: t('ui.list.hospital'),
      chosen: of.value === undefined ? undefined : <Chosen id={of.value} />,
      onClear: () => of.onChange(undefined),
      control: <Find key={of.value} {...of} />,
    },
  ]
}

function useName(id: number | undefined): string {
  const { begun } = useLive()
  const { data } = useQuery({ ...orgQuery(id ?? 0), enabled: begun && id !== undefined })
  return data?.name ?? (id === undefined ? '' : String(id))
}

const Chosen = ({ id }: { id: number }) => <bdi>{useName(id)}</bdi>

/** Found by a part of its name, which is its own alone. Enter takes the first that was found. */
function Find({ value, onChange }: Of) {
  const { t } = useTranslation()
  const list = useId()
  const name = useName(value)
  const { begun } = useLive()
  // null: nobody writes, and what is chosen stands there.
  const [typed, setTyped] = useState<string | null>(null)
  const part = useDeferredValue((typed ?? '').trim())
  const { data } = useQuery({ ...foundQuery('hospital', part), enabled: begun && typed !== null })
  const found = data?.items ?? []
  const write = (text: string) => {
    setTyped(text)
    const exact = found.find((each) => each.name === text)
    if (exact !== undefined) onChange(exact.id)
    else if (text === '' && value !== undefined) onChange(undefined)
  }
  return (
    <form
      className="find"
      onSubmit={(event) => {
        event.preventDefault()
        const [first] = found
        if (part !== '' && first !== undefined) onChange(first.id)
      }}
    >
      <input
        type="search"
        list={list}
        value={typed ?? name}
        maxLength={100}
        autoComplete="off"
        aria-label={t('ui.list.hospital')}
        placeholder={t('ui.list.any.hospital')}
        onFocus={() => setTyped(name)}
        onBlur={() => setTyped(null)}
        onChange={({ target }) => write(target.value)}
      />
      <datalist id={list}>
        {found.map(({ id, name: its }) => (
          <option key={id} value={its} />
        ))}
      </datalist>
    </form>
  )
}
