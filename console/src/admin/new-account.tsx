import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas, taken } from '../api/client.ts'
import { zNewAccount } from '../contract/zod.gen.ts'
import { type Organisation, orgQuery } from '../places/queries.ts'
import { Failed, Skeleton } from '../ui/bits.tsx'
import { useLive, usePage } from '../ui/context.tsx'
import { Acts, Field, useForm, useSending } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { ACCOUNTS } from './accounts.tsx'
import { Aside } from './aside.tsx'
import { OrgPick } from './org-pick.tsx'
import { ROLES_OF } from './roles.ts'
import { newAccountRoute } from './routes.ts'
import { Secret } from './secret.tsx'
import './admin.css'
import './words.ts'
import '../ui/words.ts'
import '../people/words.ts'

/** Somebody new: name, organisation, role; then the password to hand over. */
export function NewAccountPage() {
  const { t } = useTranslation()
  const { org } = newAccountRoute.useSearch()
  const { begun } = useLive()
  const query = useQuery({ ...orgQuery(org ?? 0), enabled: begun && org !== undefined })
  let shown: ReactNode = <NewAccount key={org} org={query.data} />
  if (org !== undefined && query.data === undefined)
    shown = query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : <Skeleton rows={2} />
  return (
    <Aside title={t('admin.accounts.add')} list="/admin/accounts">
      <Title>{t('admin.accounts.add')}</Title>
      {shown}
    </Aside>
  )
}

/** `org`: whose it is, where that is chosen already. */
function NewAccount({ org: given }: { org: Organisation | undefined }) {
  const { t } = useTranslation()
  const { who } = usePage()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [made, setMade] = useState<Schemas['AccountPassword'] | null>(null)
  const of = given?.kind ?? who.org.kind
  const [kind, setKind] = useState<'dealer' | 'hospital' | null>(of === 'operator' ? null : of)
  const form = useForm({
    name: given === undefined ? 'account.new' : `account.new.${given.id}`,
    schema: zNewAccount,
    values: { name: '', role: kind === null ? ('' as never) : ROLES_OF[kind][0], org: given?.id ?? null },
  })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(api.POST('/api/v1/accounts', { params: { header: { 'Idempotency-Key': key } }, body: body as never })),
    (answer) => {
      form.drop()
      setMade(answer)
      void queries.invalidateQueries({ queryKey: [ACCOUNTS] })
    },
  )
  return (
    <>
      {made === null ? (
        <form className="form" onSubmit={form.handleSubmit(sending.send)}>
          <Field label={t('admin.accounts.name')} hint={t('admin.accounts.nameHint')} error={errors.name}>
            <input {...form.register('name')} autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </Field>
          {given !== undefined ? (
            <p className="field">
              {t('admin.accounts.org')}: <bdi className="name">{given.name}</bdi>
            </p>
          ) : who.org.kind === 'operator' ? (
            <OrgPick
              label={t('admin.accounts.org')}
              value={form.watch('org') ?? null}
              onChange={(org) => {
                setKind(org.kind === 'operator' ? null : org.kind)
                form.setValue('org', org.id, { shouldValidate: true })
                if (org.kind !== 'operator') form.setValue('role', ROLES_OF[org.kind][0])
              }}
            />
          ) : null}
          <Field label={t('admin.accounts.role')} hint={t('admin.accounts.roleHint')} error={errors.role}>
            <select {...form.register('role')} disabled={kind === null}>
              {(kind === null ? [] : ROLES_OF[kind]).map((each) => (
                <option key={each} value={each}>
                  {t(`people.role.${each}`)}
                </option>
              ))}
            </select>
          </Field>
          <Acts
            busy={sending.busy}
            error={sending.error}
            onCancel={() => {
              form.drop()
              void navigate({ to: '/admin/accounts', search: true })
            }}
          >
            {t('admin.accounts.make')}
          </Acts>
        </form>
      ) : (
        <>
          <Secret
            title={t('admin.accounts.password', { name: made.name })}
            value={made.password}
            note={t('admin.accounts.passwordNote')}
            onClose={() => void navigate({ to: '/admin/accounts/$id', params: { id: String(made.id) }, search: true })}
          />
          <div className="acts">
            <Link to="/admin/accounts/$id" params={{ id: String(made.id) }} search={true}>
              {t('admin.accounts.toAccount', { name: made.name })}
            </Link>
          </div>
        </>
      )}
    </>
  )
}
