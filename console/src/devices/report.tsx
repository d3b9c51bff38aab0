/** A person reports a fault of a device: in a department, on a phone, in under a minute. */

import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, taken } from '../api/client.ts'
import { zFaultGiven } from '../contract/zod.gen.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { Main, Title } from '../ui/main.tsx'
import { Place } from '../ui/name.tsx'
import { say } from '../ui/toasts.tsx'
import styles from './form.module.css'
import { deviceQuery } from './queries.ts'
import { reportRoute } from './routes.ts'
import './words.ts'
import '../ui/words.ts'

const USABLE = ['no', 'limited', 'yes'] as const

interface Typed {
  words: string
  usable: (typeof USABLE)[number]
  contact: string
  caller: string
  ticket: string | null
}

const { words, usable, contact, caller, ticket } = zFaultGiven.shape
const schema = z.object({ words, usable, contact, caller, ticket })

export function ReportPage() {
  const { t } = useTranslation()
  const { id } = reportRoute.useParams()
  const language = useLanguage()
  const navigate = useNavigate()
  const { who } = usePage()
  const device = useQuery(deviceQuery(language, id))
  const form = useForm<Typed>({
    name: `device.${id}.report`,
    schema: schema as never,
    values: { words: '', usable: 'no', contact: '', caller: '', ticket: null },
  })
  const { errors } = form.formState
  const { send, busy, error } = useSending(
    form,
    ({ caller, ...body }, key) =>
      taken(
        api.POST('/api/v1/devices/{id}/report', {
          params: { path: { id }, header: { 'Idempotency-Key': key } },
          body: { ...body, caller: caller.trim() || null },
        }),
      ),
    ({ number, opened }) => {
      form.drop()
      say(t(opened ? 'devices.report.opened' : 'devices.report.joined', { number }))
      void navigate({ to: '/tickets/$number', params: { number } })
    },
  )
  const open = device.data?.tickets ?? []
  return (
    <Main title={t('devices.report.title')}>
      <Link to="/devices/$id" params={{ id }} className="back">
        ← {t('ui.back')}
      </Link>
      <Title>
        {t('devices.report.title')} {device.data === undefined ? null : <bdi>{device.data.name}</bdi>}
      </Title>
      {device.data === undefined ? (
        device.isError ? (
          <Failed error={device.error} onRetry={() => void device.refetch()} />
        ) : (
          <Skeleton rows={4} />
        )
      ) : (
        <form className={styles.steps} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
          <p className="muted">
            <Place of={device.data} />
          </p>
          <Field label={t('devices.report.words')} hint={t('devices.report.wordsHint')} error={errors.words}>
            <textarea rows={4} dir="auto" maxLength={500} {...form.register('words')} />
          </Field>
          <Field label={t('devices.report.usable')} error={errors.usable}>
            <select {...form.register('usable')}>
              {USABLE.map((each) => (
                <option key={each} value={each}>
                  {t(`devices.report.is.${each}`)}
                </option>
              ))}
            </select>
          </Field>
          <Field label={t('devices.report.contact')} hint={t('devices.report.contactHint')} error={errors.contact}>
            <input autoComplete="off" dir="auto" {...form.register('contact')} />
          </Field>
          {who.org.kind === 'hospital' ? null : (
            <Field label={t('devices.report.caller')} hint={t('devices.report.callerHint')} error={errors.caller}>
              <input autoComplete="off" dir="auto" {...form.register('caller')} />
            </Field>
          )}
          {open.length === 0 ? null : (
            <Field label={t('devices.report.ticket')} error={errors.ticket}>
              <select {...form.register('ticket', { setValueAs: (number: string | null) => number || null })}>
                <option value="">{t('devices.report.another')}</option>
                {open.map((number) => (
                  <option key={number} value={number}>
                    {number}
                  </option>
                ))}
              </select>
            </Field>
          )}
          <div className={styles.send}>
            <Save busy={busy}>{t('devices.page.report')}</Save>
            <Sent error={error} />
          </div>
        </form>
      )}
    </Main>
  )
}
