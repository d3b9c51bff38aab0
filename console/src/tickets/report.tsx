/** A person reports a fault of a device: their own, or for somebody on the phone. */

import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Schemas, taken } from '../api/client.ts'
import { zFaultGiven } from '../contract/zod.gen.ts'
import { deviceQuery } from '../devices/queries.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { Main, Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import styles from './repair.module.css'
import { reportRoute } from './routes.ts'
import './words.ts'
import '../ui/words.ts'

const USABLE = ['no', 'limited', 'yes'] as const

export function ReportPage() {
  const { t } = useTranslation()
  const { id } = reportRoute.useParams()
  const query = useQuery(deviceQuery(useLanguage(), id))
  return (
    <Main title={t('tickets.report.title')}>
      <div className="detail">
        <Title>{t('tickets.report.title')}</Title>
        {query.data !== undefined ? (
          <Form device={query.data} />
        ) : query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={4} />
        )}
      </div>
    </Main>
  )
}

function Form({ device }: { device: Schemas['DeviceDetail'] }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { who } = usePage()
  const form = useForm<Schemas['FaultGiven']>({
    name: `report.${device.id}`,
    schema: zFaultGiven as never,
    values: { words: '', usable: 'no', contact: '', caller: null, since: null, ticket: null },
  })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(
        api.POST('/api/v1/devices/{id}/report', {
          params: { path: { id: device.id }, header: { 'Idempotency-Key': key } },
          body,
        }),
      ),
    ({ number }) => {
      form.drop()
      say(t('tickets.report.done', { number }))
      void navigate({ to: '/tickets/$number', params: { number } })
    },
  )
  const orNull = { setValueAs: (typed: string | null) => typed || null }
  return (
    <form className={`form ${styles.repair}`} onSubmit={form.handleSubmit(sending.send)}>
      <p>
        <bdi>{device.name}</bdi>
      </p>
      <Field label={t('tickets.report.words')} hint={t('tickets.noPatients')} error={errors.words}>
        <textarea rows={3} maxLength={500} {...form.register('words')} />
      </Field>
      <Field label={t('tickets.report.usable')} error={errors.usable}>
        <select {...form.register('usable')}>
          {USABLE.map((usable) => (
            <option key={usable} value={usable}>
              {t(`tickets.usable.${usable}`)}
            </option>
          ))}
        </select>
      </Field>
      {who.org.kind === 'hospital' ? null : (
        <Field label={t('tickets.report.caller')} error={errors.caller}>
          <input maxLength={100} {...form.register('caller', orNull)} />
        </Field>
      )}
      <Field label={t('tickets.report.contact')} error={errors.contact}>
        <input maxLength={100} {...form.register('contact')} />
      </Field>
      {device.tickets.length === 0 ? null : (
        <Field label={t('tickets.report.joins')} hint={t('tickets.report.joinsHint')} error={errors.ticket}>
          <select {...form.register('ticket', orNull)}>
            <option value="">{t('tickets.report.own')}</option>
            {device.tickets.map((number) => (
              <option key={number}>{number}</option>
            ))}
          </select>
        </Field>
      )}
      <Save busy={sending.busy}>{t('tickets.report.send')}</Save>
      <Sent error={sending.error} />
    </form>
  )
}
