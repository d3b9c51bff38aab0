import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Aside } from '../admin/aside.tsx'
import { api, type Schemas, taken } from '../api/client.ts'
import { zNewDealer } from '../contract/zod.gen.ts'
import { useMay } from '../ui/context.tsx'
import { Acts, Field, useForm, useSending } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { ORGS } from './queries.ts'
import '../admin/admin.css'
import './words.ts'

/** A dealer; then its manager's account, without which nobody of it can sign in. */
export function NewDealerPage() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const mayAccounts = useMay('accounts.manage')
  const [made, setMade] = useState<Schemas['Dealer'] | null>(null)
  const form = useForm({ name: 'dealer.new', schema: zNewDealer, values: { name: '', prefix: '' } })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) => taken(api.POST('/api/v1/dealers', { params: { header: { 'Idempotency-Key': key } }, body })),
    (dealer) => {
      form.drop()
      void queries.invalidateQueries({ queryKey: [ORGS] })
      void queries.invalidateQueries({ queryKey: ['dealers'] })
      setMade(dealer)
    },
  )
  return (
    <Aside title={t('places.addDealer')} list="/admin/places">
      <Title>{t('places.addDealer')}</Title>
      {made === null ? (
        <form className="form" onSubmit={form.handleSubmit(sending.send)}>
          <Field label={t('places.name')} hint={t('places.dealerHint')} error={errors.name}>
            <input {...form.register('name')} autoComplete="off" />
          </Field>
          <Field label={t('places.prefix')} hint={t('places.prefixHint')} error={errors.prefix}>
            <input
              {...form.register('prefix', { setValueAs: (typed: string) => typed.trim().toUpperCase() })}
              autoComplete="off"
              autoCapitalize="characters"
              spellCheck={false}
              maxLength={6}
            />
          </Field>
          <Acts
            busy={sending.busy}
            error={sending.error}
            onCancel={() => {
              form.drop()
              void navigate({ to: '/admin/places', search: true })
            }}
          >
            {t('places.addDealer')}
          </Acts>
        </form>
      ) : (
        <>
          <p role="status">{t('places.dealerAdded', made)}</p>
          {mayAccounts ? (
            <div className="acts">
              <Link className="button primary" to="/admin/accounts/new" search={{ org: made.id }}>
                {t('places.addManager')}
              </Link>
            </div>
          ) : null}
        </>
      )}
    </Aside>
  )
}
