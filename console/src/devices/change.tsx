/** What is changed of a device by who registers them: its register, its place, its dealer, its end; and a new code. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import type { FieldErrors, UseFormRegister } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, type DeviceDetail, type Schemas, taken } from '../api/client.ts'
import { zMove, zNewDevice, zServiceChange } from '../contract/zod.gen.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { Main, Title } from '../ui/main.tsx'
import { Place } from '../ui/name.tsx'
import { say } from '../ui/toasts.tsx'
import {
  type Register,
  RegisterFields,
  registerNames,
  registerOf,
  registerPart,
  type Where,
  WhereFields,
  wherePart,
} from './fields.tsx'
import styles from './form.module.css'
import { dealersQuery, deviceQuery, serviceQuery } from './queries.ts'
import { changeRoute } from './routes.ts'
import { SetupShown } from './setup.tsx'
import './words.ts'
import '../ui/words.ts'

export function ChangeDevicePage() {
  const { t } = useTranslation()
  const { id } = changeRoute.useParams()
  const language = useLanguage()
  const query = useQuery(deviceQuery(language, id))
  const service = useMay('service.manage')
  const device = query.data
  return (
    <Main title={t('devices.change.title')}>
      <Link to="/devices/$id" params={{ id }} className="back">
        ← {t('ui.back')}
      </Link>
      <Title>
        {t('devices.change.title')} {device === undefined ? id : <bdi>{device.name}</bdi>}
      </Title>
      {device === undefined ? (
        query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={6} />
        )
      ) : (
        <div className={styles.steps}>
          <p className="muted">
            <Place of={device} /> · {device.model_name}
          </p>
          <RegisterForm device={device} />
          {device.status === 'active' ? <MoveForm device={device} /> : null}
          {service ? <DealerForm device={device} /> : null}
          {device.status === 'active' ? <CodeForm device={device} /> : null}
          <RetireForm device={device} />
        </div>
      )}
    </Main>
  )
}

/** What was changed is shown at once, and asked for again wherever else it stands. */
function useChanged(): (id: string, said: string) => void {
  const queries = useQueryClient()
  return (id, said) => {
    void queries.invalidateQueries({ queryKey: ['device'] })
    void queries.invalidateQueries({ queryKey: ['devices'] })
    void queries.invalidateQueries({ queryKey: serviceQuery(id).queryKey })
    void queries.invalidateQueries({ queryKey: ['sites'] })
    say(said)
  }
}

const seen = (device: DeviceDetail, key: string) => ({
  path: { id: device.id },
  header: { 'If-Match': `"${device.version}"`, 'Idempotency-Key': key },
})

interface Entered extends Register {
  name: string
}
const enteredOf = (device: DeviceDetail): Entered => ({ ...registerOf(device), name: device.name })
const enteredSchema = z.object({ ...registerPart, name: zNewDevice.shape.name })

function RegisterForm({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const { form, sending, dirty, theirs, takeTheirs, giveUp } = useEditing<DeviceDetail, Entered>({
    name: `device.${device.id}`,
    schema: enteredSchema as never,
    item: device,
    values: enteredOf,
    send: (body, match) =>
      taken(
        api.PATCH('/api/v1/devices/{id}', {
          params: { path: { id: device.id }, header: { 'If-Match': match } },
          body: body as Entered,
        }),
      ),
    fresh: () => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id: device.id } } })),
    onDone: () => changed(device.id, t('devices.change.saved')),
  })
  const { errors } = form.formState
  return (
    <form className={styles.step} onSubmit={(event) => void form.handleSubmit(sending.send)(event)} noValidate>
      <h2>{t('devices.change.register')}</h2>
      <Field label={t('devices.form.name')} error={errors.name}>
        <input autoComplete="off" dir="auto" {...form.register('name')} />
      </Field>
      <RegisterFields
        register={form.register as unknown as UseFormRegister<Register>}
        errors={errors as FieldErrors<Register>}
      />
      <Conflict
        mine={form.getValues()}
        theirs={theirs === null ? null : enteredOf(theirs)}
        names={{ ...registerNames(t), name: t('devices.form.name') }}
        onTheirs={takeTheirs}
      />
      {dirty && theirs === null ? (
        <Acts busy={sending.busy} error={sending.error} onCancel={giveUp} />
      ) : (
        <Sent error={sending.error} />
      )}
    </form>
  )
}

function Sending({ busy, error, children }: { busy: boolean; error: Error | null; children?: ReactNode }) {
  return (
    <div className={styles.send}>
      <Save busy={busy}>{children}</Save>
      <Sent error={error} />
    </div>
  )
}

interface Moving extends Where {
  reason: string
}
const moveSchema = z.object({ ...wherePart, reason: zMove.shape.reason })

function MoveForm({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const [moved, setMoved] = useState<Schemas['Moved'] | null>(null)
  const form = useForm<Moving>({
    name: `device.${device.id}.move`,
    schema: moveSchema as never,
    values: { hospital: device.hospital.name, place: '', reason: '' },
  })
  const { errors } = form.formState
  const elsewhere = form.watch('hospital').trim() !== device.hospital.name
  const { send, busy, error } = useSending(
    form,
    ({ hospital, place, reason }, key) =>
      taken(
        api.POST('/api/v1/devices/{id}/move', {
          params: seen(device, key),
          body: { site: { hospital, site: place }, reason },
        }),
      ),
    (answer) => {
      form.drop()
      setMoved(answer)
      changed(device.id, t('devices.change.moved'))
    },
  )
  if (moved !== null && moved.code !== null)
    return (
      <section className={styles.step} aria-labelledby="moved">
        <h2 id="moved">{t('devices.change.movedAway')}</h2>
        <SetupShown id={moved.id} made={moved.code} />
      </section>
    )
  return (
    <form className={styles.step} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
      <h2>{t('devices.change.move')}</h2>
      <p className="muted">{elsewhere ? t('devices.change.moveAway') : t('devices.change.moveWithin')}</p>
      <WhereFields
        register={form.register as unknown as UseFormRegister<Where>}
        errors={errors as FieldErrors<Where>}
        value={form.watch()}
        site={(errors as { site?: { message?: string } }).site?.message}
      />
      <Field label={t('devices.change.reason')} error={errors.reason}>
        <input autoComplete="off" dir="auto" {...form.register('reason')} />
      </Field>
      <Sending busy={busy} error={error}>
        {t('devices.change.moveDo')}
      </Sending>
    </form>
  )
}

interface Handing {
  dealer: number | null
  at: string | null
}
const dealerSchema = z.object({ dealer: zServiceChange.shape.dealer, at: z.nullable(z.string()) })

function DealerForm({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const dealers = useQuery(dealersQuery())
  const service = useQuery(serviceQuery(device.id))
  const form = useForm<Handing>({
    name: `device.${device.id}.dealer`,
    schema: dealerSchema as never,
    values: { dealer: null, at: null },
  })
  const { errors } = form.formState
  const { send, busy, error } = useSending(
    form,
    ({ dealer, at }, key) =>
      taken(
        api.POST('/api/v1/devices/{id}/service', {
          params: { path: { id: device.id }, header: { 'Idempotency-Key': key } },
          body: { dealer: dealer ?? 0, at: at === null ? null : new Date(at).toISOString() },
        }),
      ),
    () => {
      form.drop()
      changed(device.id, t('devices.change.handed'))
    },
  )
  const withdraw = async () => {
    await taken(api.DELETE('/api/v1/devices/{id}/service', { params: { path: { id: device.id } } }))
    changed(device.id, t('devices.change.withdrawn'))
  }
  const others = dealers.data?.filter(({ id }) => id !== device.dealer.id) ?? []
  const planned = service.data?.planned ?? null
  if (others.length === 0) return null
  return (
    <form className={styles.step} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
      <h2>{t('devices.change.dealer')}</h2>
      <p className="muted">{t('devices.change.dealerLead')}</p>
      <p>
        <span className="muted">{t('devices.page.dealer')}</span> <bdi>{device.dealer.name}</bdi>
      </p>
      {planned === null ? null : (
        <p className={styles.send}>
          {t('devices.service.planned')} <bdi>{planned.dealer.name}</bdi>
          <button type="button" className="button" onClick={() => void withdraw()}>
            {t('devices.change.withdraw')}
          </button>
        </p>
      )}
      <div className={styles.pair}>
        <Field label={t('devices.change.newDealer')} error={errors.dealer}>
          <select {...form.register('dealer', { setValueAs: (id) => (id ? Number(id) : null) })}>
            <option value="">{t('devices.form.choose')}</option>
            {others.map((dealer) => (
              <option key={dealer.id} value={dealer.id}>
                {dealer.name}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t('devices.change.from')} hint={t('devices.change.fromHint')} error={errors.at}>
          <input
            type="datetime-local"
            {...form.register('at', { setValueAs: (typed: string | null) => typed || null })}
          />
        </Field>
      </div>
      <Sending busy={busy} error={error}>
        {t('devices.change.hand')}
      </Sending>
    </form>
  )
}

const reasonSchema = z.object({ reason: zMove.shape.reason })

function RetireForm({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const navigate = useNavigate()
  const active = device.status === 'active'
  const form = useForm<{ reason: string }>({
    name: `device.${device.id}.retire`,
    schema: reasonSchema as never,
    values: { reason: active ? '' : device.retired_reason || '-' },
  })
  const { send, busy, error } = useSending(
    form,
    ({ reason }, key) =>
      taken(
        api.PATCH('/api/v1/devices/{id}', {
          params: seen(device, key),
          body: (active ? { status: 'retired', reason } : { status: 'active' }) as Schemas['DeviceChange'],
        }),
      ),
    () => {
      form.drop()
      changed(device.id, t(active ? 'devices.change.retired' : 'devices.change.back'))
      void navigate({ to: '/devices/$id', params: { id: device.id } })
    },
  )
  return (
    <form className={styles.step} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
      <h2>{t(active ? 'devices.change.retire' : 'devices.change.reactivate')}</h2>
      {active ? (
        <>
          <p className="muted">
            {t('devices.change.retireLead')}{' '}
            {device.open_tickets === 0 ? null : t('devices.change.retireTickets', { count: device.open_tickets })}
          </p>
          <Field
            label={t('devices.change.reason')}
            hint={t('devices.change.reasonHint')}
            error={form.formState.errors.reason}
          >
            <input autoComplete="off" dir="auto" {...form.register('reason')} />
          </Field>
        </>
      ) : (
        <p className="muted">{t('devices.change.reactivateLead')}</p>
      )}
      <Sending busy={busy} error={error}>
        {t(active ? 'devices.change.retire' : 'devices.change.reactivate')}
      </Sending>
    </form>
  )
}

/** For an exchanged workstation. */
function CodeForm({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const [made, setMade] = useState<Schemas['CodeMade'] | null>(null)
  const form = useForm<Record<string, never>>({
    name: `device.${device.id}.code`,
    schema: z.object({}) as never,
    values: {},
  })
  const { send, busy, error } = useSending(
    form,
    (_, key) =>
      taken(
        api.POST('/api/v1/devices/{id}/code', {
          params: { path: { id: device.id }, header: { 'Idempotency-Key': key } },
        }),
      ),
    setMade,
  )
  return (
    <form className={styles.step} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
      <h2>{t('devices.change.code')}</h2>
      {made === null ? (
        <>
          <p className="muted">{t('devices.change.codeLead')}</p>
          <Sending busy={busy} error={error}>
            {t('devices.change.codeDo')}
          </Sending>
        </>
      ) : (
        <SetupShown id={device.id} made={made} />
      )}
    </form>
  )
}
