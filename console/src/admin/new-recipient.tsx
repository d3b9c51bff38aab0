import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, taken } from '../api/client.ts'
import { zNewRecipient } from '../contract/zod.gen.ts'
import { useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Acts, Field, useForm, useSending } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { Aside } from './aside.tsx'
import { LANGUAGE_NAMES } from './languages.ts'
import { OrgPick } from './org-pick.tsx'
import { zAddress } from './recipient.tsx'
import { RECIPIENTS } from './recipients.tsx'
import './admin.css'
import './words.ts'
import '../ui/words.ts'

const schema = z.extend(zNewRecipient, { address: zAddress })

/** Somebody more who is told of tickets. */
export function NewRecipientPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  const language = useLanguage()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [one, setOne] = useState(false)
  const form = useForm({
    name: 'recipient.new',
    schema,
    values: { name: '', address: '', language, dealer: null, hospital: null, heads: false },
  })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(api.POST('/api/v1/recipients', { params: { header: { 'Idempotency-Key': key } }, body: body as never })),
    ({ id }) => {
      form.drop()
      void queries.invalidateQueries({ queryKey: [RECIPIENTS] })
      void navigate({ to: '/admin/recipients/$id', params: { id: String(id) }, search: true })
    },
  )
  const own = who.org.kind === 'hospital'
  return (
    <Aside title={t('admin.recipients.add')} list="/admin/recipients">
      <Title>{t('admin.recipients.add')}</Title>
      <form className="form" onSubmit={form.handleSubmit(sending.send)}>
        <Field label={t('admin.recipients.name')} hint={t('admin.recipients.nameHint')} error={errors.name}>
          <input {...form.register('name')} autoComplete="off" />
        </Field>
        <Field label={t('admin.recipients.address')} hint={t('admin.recipients.addressHint')} error={errors.address}>
          <input {...form.register('address')} autoComplete="off" autoCapitalize="none" spellCheck={false} />
        </Field>
        <Field label={t('admin.recipients.language')} error={errors.language}>
          <select {...form.register('language')}>
            <option value="zh">{LANGUAGE_NAMES.zh}</option>
            <option value="en">{LANGUAGE_NAMES.en}</option>
          </select>
        </Field>
        {own ? (
          <p className="muted">{t('admin.recipients.ofOwn')}</p>
        ) : (
          <label className="tick">
            <input
              type="checkbox"
              checked={one}
              onChange={(event) => {
                setOne(event.target.checked)
                form.setValue('hospital', null)
              }}
            />
            {t('admin.recipients.onlyOne')}
          </label>
        )}
        {one ? (
          <OrgPick
            label={t('admin.recipients.hospital')}
            kind="hospital"
            value={form.watch('hospital') ?? null}
            onChange={({ id }) => form.setValue('hospital', id)}
          />
        ) : null}
        {who.org.kind === 'operator' ? (
          <OrgPick
            label={t('admin.recipients.dealer')}
            kind="dealer"
            value={form.watch('dealer') ?? null}
            none={t('admin.recipients.onlyDealer')}
            onChange={({ id }) => form.setValue('dealer', id)}
            onNone={() => form.setValue('dealer', null)}
          />
        ) : null}
        <label className="tick">
          <input type="checkbox" {...form.register('heads')} />
          {t('admin.recipients.heads')}
        </label>
        <Acts
          busy={sending.busy}
          error={sending.error}
          onCancel={() => {
            form.drop()
            void navigate({ to: '/admin/recipients', search: true })
          }}
        >
          {t('admin.recipients.add')}
        </Acts>
      </form>
    </Aside>
  )
}
