import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Aside } from '../admin/aside.tsx'
import { api, taken } from '../api/client.ts'
import { zNewSite } from '../contract/zod.gen.ts'
import { Acts, Field, useForm, useSending } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { Zone } from './zone.tsx'
import '../admin/admin.css'
import { ORGS } from './queries.ts'
import './words.ts'
import '../ui/words.ts'

/** A hospital with its first site. */
export function NewPlacePage() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const form = useForm({
    name: 'hospital.new',
    schema: zNewSite,
    values: { hospital: '', site: '', time_zone: 'Asia/Shanghai', address: '' },
  })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(api.POST('/api/v1/sites', { params: { header: { 'Idempotency-Key': key } }, body: body as never })),
    ({ hospital, name }) => {
      form.drop()
      void queries.invalidateQueries({ queryKey: [ORGS] })
      say(t('places.siteAdded', { name }))
      void navigate({ to: '/admin/places/$id', params: { id: String(hospital.id) }, search: true })
    },
  )
  return (
    <Aside title={t('places.add')} list="/admin/places">
      <Title>{t('places.add')}</Title>
      <form className="form" onSubmit={form.handleSubmit(sending.send)}>
        <Field label={t('places.hospital')} hint={t('places.hospitalHint')} error={errors.hospital}>
          <input {...form.register('hospital')} autoComplete="off" />
        </Field>
        <Field label={t('places.site')} hint={t('places.siteHint')} error={errors.site}>
          <input {...form.register('site')} autoComplete="off" />
        </Field>
        <Field label={t('places.address')} error={errors.address}>
          <input {...form.register('address')} autoComplete="off" />
        </Field>
        <Field label={t('places.zone')} error={errors.time_zone}>
          <Zone {...form.register('time_zone')} />
        </Field>
        <Acts
          busy={sending.busy}
          error={sending.error}
          onCancel={() => {
            form.drop()
            void navigate({ to: '/admin/places', search: true })
          }}
        >
          {t('places.add')}
        </Acts>
      </form>
    </Aside>
  )
}
