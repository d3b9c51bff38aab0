import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, Failure, taken } from '../api/client.ts'
import { zNewToken } from '../contract/zod.gen.ts'
import { Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { CREDENTIALS } from './credentials.tsx'
import { Secret } from './secret.tsx'
import './admin.css'
import './words.ts'
import '../people/words.ts'

const DAYS = [7, 30, 90, 366] as const

const LONGEST = 200
const SECRET = ['password'] as const
// The document keeps secrets out of what is read, and so out of its schemas' copies here.
const schema = z.extend(zNewToken, { password: z.string().check(z.minLength(1), z.maxLength(LONGEST)) })

/** A token for a program, with this account's rights; shown once. */
export function NewToken() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [made, setMade] = useState<{ token: string; label: string } | null>(null)
  const form = useForm({ name: 'token.new', schema, values: { label: '', days: 90, password: '' }, secret: SECRET })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(api.POST('/api/v1/tokens', { params: { header: { 'Idempotency-Key': key } }, body: body as never })),
    (answer) => {
      form.drop()
      setMade(answer)
      void queries.invalidateQueries({ queryKey: [CREDENTIALS] })
    },
  )
  const wrong = sending.error instanceof Failure && sending.error.code === 'password_needed'
  return (
    <section aria-label={t('admin.tokens.make')}>
      <h3>{t('admin.tokens.make')}</h3>
      {made === null ? (
        <form className="form" onSubmit={form.handleSubmit(sending.send)}>
          <p className="muted">{t('admin.tokens.makeText')}</p>
          <Field label={t('admin.tokens.label')} hint={t('admin.tokens.labelHint')} error={errors.label}>
            <input {...form.register('label')} autoComplete="off" />
          </Field>
          <Field label={t('admin.tokens.days')} error={errors.days}>
            <select {...form.register('days', { valueAsNumber: true })}>
              {DAYS.map((days) => (
                <option key={days} value={days}>
                  {t('admin.tokens.daysOf', { count: days })}
                </option>
              ))}
            </select>
          </Field>
          <Field
            label={t('people.login.password')}
            hint={wrong ? <span className="wrong">{t('people.password.wrong')}</span> : t('admin.tokens.passwordHint')}
            error={wrong ? undefined : errors.password}
          >
            <input {...form.register('password')} type="password" autoComplete="current-password" />
          </Field>
          <div className="acts">
            <Save busy={sending.busy}>{t('admin.tokens.make')}</Save>
          </div>
          <Sent error={sending.error} />
        </form>
      ) : (
        <Secret
          title={t('admin.tokens.shown', { label: made.label })}
          value={made.token}
          note={t('admin.tokens.shownNote')}
          onClose={() => setMade(null)}
        />
      )}
    </section>
  )
}
