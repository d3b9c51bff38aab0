import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, taken } from '../api/client.ts'
import { zOrgChange } from '../contract/zod.gen.ts'
import { Failed, Skeleton } from '../ui/bits.tsx'
import { useLive, useMay, usePage } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Sent } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { Contacts } from './contacts.tsx'
import { placeRoute } from './routes.ts'
import { Sites } from './sites.tsx'
import '../admin/admin.css'
import { ORGS, type Organisation, orgQuery } from './queries.ts'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

/** A hospital: its name, its sites, and whom to call there. Of a dealer, its name. */
export function PlacePage() {
  const { t } = useTranslation()
  const id = Number(placeRoute.useParams().id)
  const { begun } = useLive()
  const query = useQuery({ ...orgQuery(id), enabled: begun, refetchOnMount: 'always' })
  const org = query.data
  return (
    <Detail title={org?.name ?? t('places.title')} list="/admin/places" query={query}>
      {org === undefined ? null : <Place key={id} org={org} />}
      {org === undefined && query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : null}
      {org === undefined && !query.isError ? <Skeleton /> : null}
    </Detail>
  )
}

function Place({ org }: { org: Organisation }) {
  const { t } = useTranslation()
  const may = useMay('sites.manage')
  const reads = useMay('contacts.read')
  const mayAccounts = useMay('accounts.manage')
  const { who } = usePage()
  return (
    <>
      <header className="detail-head">
        <Title>
          <bdi>{org.name}</bdi>
        </Title>
        <p className="muted">
          {t(`people.kind.${org.kind}`)}
          {org.shared && may ? ` · ${t('places.shared')}` : ''}
        </p>
      </header>
      {mayAccounts && who.org.kind === 'operator' && org.kind !== 'operator' ? (
        <div className="acts">
          <Link className="button" to="/admin/accounts/new" search={{ org: org.id }}>
            {t('places.addAccount')}
          </Link>
        </div>
      ) : null}
      {org.kind === 'hospital' && reads ? <Contacts hospital={org.id} /> : null}
      {org.kind === 'hospital' ? <Sites org={org} /> : null}
      {may && !org.shared ? <Rename org={org} /> : null}
    </>
  )
}

function Rename({ org }: { org: Organisation }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { form, sending, dirty, theirs, takeTheirs, giveUp } = useEditing({
    name: `org.${org.id}`,
    schema: zOrgChange,
    item: org,
    values: ({ name }) => ({ name }),
    send: (changed, match) =>
      taken(
        api.PATCH('/api/v1/orgs/{id}', {
          params: { path: { id: org.id }, header: { 'If-Match': match } },
          body: changed as { name: string },
        }),
      ),
    fresh: () => taken(api.GET('/api/v1/orgs/{id}', { params: { path: { id: org.id } } })),
    onDone: (now) => {
      queries.setQueryData([ORGS, 'one', org.id], now)
      void queries.invalidateQueries({ queryKey: [ORGS] })
      say(t('places.renamed', { name: now.name }))
    },
  })
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)}>
      <section>
        <Field label={t('places.rename')} hint={t('places.renameHint')} error={form.formState.errors.name}>
          <input {...form.register('name')} autoComplete="off" />
        </Field>
        <Conflict
          mine={form.getValues()}
          theirs={theirs === null ? null : { name: theirs.name }}
          names={{ name: t('places.name') }}
          onTheirs={takeTheirs}
        />
        {dirty && theirs === null ? (
          <Acts busy={sending.busy} error={sending.error} onCancel={giveUp} />
        ) : (
          <Sent error={sending.error} />
        )}
      </section>
    </form>
  )
}
