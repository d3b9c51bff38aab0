import { Link, type LinkProps, useMatchRoute, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useRows } from '../admin/rows.ts'
import { api, given, taken } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useMay, usePage } from '../ui/context.tsx'
import { Split } from '../ui/split.tsx'
import { ORGS, type Organisation } from './queries.ts'
import { placesRoute } from './routes.ts'
import './words.ts'
import '../people/words.ts'

export function PlacesPage() {
  const { t } = useTranslation()
  return <Split title={t('places.title')} list={<Places />} />
}

const link = ({ id }: Organisation): LinkProps => ({
  to: '/admin/places/$id',
  params: { id: String(id) },
  search: true as never,
})
const look = () => 'place-row'

function Places() {
  const { t } = useTranslation()
  const { who } = usePage()
  const may = useMay('sites.manage')
  const search = placesRoute.useSearch()
  const navigate = useNavigate({ from: placesRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const mayDealers = useMay('dealers.manage')
  const matches = useMatchRoute()
  const making = matches({ to: '/admin/places/new' }) !== false || matches({ to: '/admin/places/new-dealer' }) !== false
  // Dealers are places too for whoever runs the platform: theirs are renamed here.
  const kind = who.org.kind === 'operator' ? undefined : ('hospital' as const)
  const list = useRows([ORGS, 'list', kind, search], (page, signal) =>
    taken(api.GET('/api/v1/orgs', { params: { query: { ...page, ...given({ q: search.q, kind }) } }, signal })),
  )
  const rows = useMemo(
    () =>
      list.rows.filter((org) => org.kind !== 'operator').map((item) => ({ key: String(item.id), item, gone: false })),
    [list.rows],
  )
  const ask = (q: string | undefined) =>
    void navigate({ to: '.', search: (before) => ({ ...before, q }), replace: true })
  const add = (
    <Link to="/admin/places/new" search={true} className="button primary">
      {t('places.add')}
    </Link>
  )
  return (
    <Panel
      id="places"
      title={t('places.title')}
      list={{ ...list, rows: rows.map(({ item }) => item) }}
      total={null}
      filtered={search.q !== undefined}
      onClear={() => ask(undefined)}
      empty={
        <>
          {t('places.empty')} {may ? add : null}
        </>
      }
      tools={
        making ? null : (
          <div className="acts">
            {mayDealers ? (
              <Link to="/admin/places/new-dealer" search={true} className="button">
                {t('places.addDealer')}
              </Link>
            ) : null}
            {may ? add : null}
          </div>
        )
      }
      filters={<Search value={search.q ?? ''} onChange={(q) => ask(q || undefined)} hint={t('places.hint')} />}
    >
      <Grid
        label={t('places.title')}
        columns={useColumns()}
        main="name"
        rows={rows}
        link={link}
        look={look}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
      />
    </Panel>
  )
}

function useColumns(): readonly Column<Organisation>[] {
  const { t } = useTranslation()
  return useMemo(
    () => [
      {
        id: 'name',
        head: t('places.name'),
        width: 'minmax(0, 3fr)',
        cell: ({ name }) => <bdi className="name">{name}</bdi>,
      },
      {
        id: 'kind',
        head: t('places.kind'),
        width: 'minmax(0, 1fr)',
        cell: ({ kind, prefix }) => (
          <>
            {t(`people.kind.${kind}`)}
            {prefix === null ? null : <span className="muted"> {prefix}</span>}
          </>
        ),
      },
      {
        id: 'sites',
        head: t('places.sites'),
        width: '80px',
        figure: true,
        cell: ({ sites, kind }) => (kind === 'hospital' ? sites : ''),
      },
    ],
    [t],
  )
}
