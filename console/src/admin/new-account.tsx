import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas, taken } from '../api/client.ts'
import { zNewAccount } from '../contract/zod.gen.ts'
import { usePage } from '../ui/context.tsx'
import { Acts, Field, useForm, useSending } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { ACCOUNTS } from './accounts.tsx'
import { Aside } from './aside.tsx'
import { OrgPick } from './org-pick.tsx'
import { ROLES_OF } from './roles.ts'
import { Secret } from './secret.tsx'
import './admin.css'
import './words.ts'
import '../ui/words.ts'
import '../people/words.ts'

/** Somebody new: name, organisation, role; then the password to hand over. */
export function NewAccountPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [made, setMade] = useState<Schemas['AccountPassword'] | null>(null)
  const [kind, setKind] = useState<'dealer' | 'hospital' | null>(who.org.kind === 'operator' ? null : who.org.kind)
  const form = useForm({
    name: 'account.new',
    schema: zNewAccount,
    values: { name: '', role: kind === null ? ('' as never) : ROLES_OF[kind][0], org: null },
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
    <Aside title={t('admin.accounts.add')} list="/admin/accounts">
      <Title>{t('admin.accounts.add')}</Title>
      {made === null ? (
        <form className="form" onSubmit={form.handleSubmit(sending.send)}>
          <Field label={t('admin.accounts.name')} hint={t('admin.accounts.nameHint')} error={errors.name}>
            <input {...form.register('name')} autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </Field>
          {who.org.kind === 'operator' ? (
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
          <p className="acts">
            <Link to="/admin/accounts/$id" params={{ id: String(made.id) }} search={true}>
              {t('admin.accounts.toAccount', { name: made.name })}
            </Link>
          </p>
        </>
      )}
    </Aside>
  )
}
