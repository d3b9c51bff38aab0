import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { FieldErrors, UseFormRegister } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, type Schemas, taken } from '../api/client.ts'
import { modelsQuery } from '../catalog/queries.ts'
import { zNewDevice } from '../contract/zod.gen.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { Main, Title } from '../ui/main.tsx'
import {
  type Register,
  RegisterFields,
  registerOf,
  registerPart,
  type Where,
  WhereFields,
  wherePart,
} from './fields.tsx'
import styles from './form.module.css'
import { dealersQuery } from './queries.ts'
import { SetupShown } from './setup.tsx'
import './words.ts'
import '../ui/words.ts'

type Source = Schemas['NewDevice']['sources'] extends (infer S)[] | undefined ? S : never

interface Typed extends Where, Register {
  name: string
  model: string
  sources: Source[]
  dealer: number | null
}

const schema = z.object({
  ...wherePart,
  ...registerPart,
  name: zNewDevice.shape.name,
  model: zNewDevice.shape.model,
  sources: z.array(z.enum(['dicom', 'folder', 'astm', 'hl7'])),
  dealer: zNewDevice.shape.dealer,
})

const EMPTY: Typed = { ...registerOf(), hospital: '', place: '', name: '', model: '', sources: [], dealer: null }

/** What was minted here, with its code: there until another is. */
let last: Schemas['DeviceMade'] | null = null

export function NewDevicePage() {
  const { t } = useTranslation()
  const [made, setMade] = useState(last)
  const show = (device: Schemas['DeviceMade'] | null) => {
    last = device
    setMade(device)
  }
  return (
    <Main title={t('devices.new.title')}>
      <Title>{t('devices.new.title')}</Title>
      {made === null ? (
        <NewDevice onMade={show} />
      ) : (
        <section className={styles.step} aria-labelledby="third">
          <h2 id="third">{t('devices.new.third')}</h2>
          <SetupShown id={made.id} made={made} />
          <p className={styles.send}>
            <button type="button" className="button" onClick={() => show(null)}>
              {t('devices.new.another')}
            </button>
            <Link className="button quiet" to="/devices">
              {t('devices.new.list')}
            </Link>
          </p>
        </section>
      )}
    </Main>
  )
}

function NewDevice({ onMade }: { onMade: (device: Schemas['DeviceMade']) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const models = useQuery(modelsQuery(language))
  const chooses = useMay('dealers.manage')
  const dealers = useQuery({ ...dealersQuery(), enabled: chooses })
  const form = useForm<Typed>({ name: 'device.new', schema: schema as never, values: EMPTY })
  const { errors } = form.formState
  const { send, busy, error } = useSending(
    form,
    ({ hospital, place, ...typed }, key) =>
      taken(
        api.POST('/api/v1/devices', {
          params: { header: { 'Idempotency-Key': key } },
          body: { ...typed, site: { hospital, site: place } },
        }),
      ),
    (device) => {
      // The next one stands mostly in the same place.
      const { hospital, place } = form.getValues()
      form.drop()
      form.reset({ ...EMPTY, hospital, place })
      onMade(device)
    },
  )
  if (models.data === undefined)
    return models.isError ? (
      <Failed error={models.error} onRetry={() => void models.refetch()} />
    ) : (
      <Skeleton rows={6} />
    )
  const kind = models.data.find(({ key }) => key === form.watch('model'))?.kind
  const sources: readonly Source[] = kind === undefined ? [] : kind === 'dr' ? ['dicom', 'folder'] : ['astm', 'hl7']
  const wrongSite = (errors as { site?: { message?: string } }).site?.message
  return (
    <form className={styles.steps} onSubmit={(event) => void form.handleSubmit(send)(event)} noValidate>
      <fieldset className={styles.step}>
        <legend>{t('devices.new.first')}</legend>
        <WhereFields
          register={form.register as unknown as UseFormRegister<Where>}
          errors={errors as FieldErrors<Where>}
          value={form.watch()}
          site={wrongSite}
        />
        {chooses && (dealers.data?.length ?? 0) > 1 ? (
          <Field label={t('devices.page.dealer')} error={errors.dealer}>
            <select {...form.register('dealer', { setValueAs: (id) => (id ? Number(id) : null) })}>
              <option value="">{t('devices.form.choose')}</option>
              {dealers.data?.map((dealer) => (
                <option key={dealer.id} value={dealer.id}>
                  {dealer.name}
                </option>
              ))}
            </select>
          </Field>
        ) : null}
      </fieldset>
      <fieldset className={styles.step}>
        <legend>{t('devices.new.second')}</legend>
        <div className={styles.pair}>
          <Field label={t('devices.form.name')} hint={t('devices.form.nameHint')} error={errors.name}>
            <input autoComplete="off" dir="auto" {...form.register('name')} />
          </Field>
          <Field label={t('devices.page.model')} error={errors.model}>
            <select {...form.register('model', { onChange: () => form.setValue('sources', []) })}>
              <option value="">{t('devices.form.choose')}</option>
              {models.data.map((model) => (
                <option key={model.key} value={model.key}>
                  {model.name}
                </option>
              ))}
            </select>
          </Field>
        </div>
        {sources.length === 0 ? null : (
          <fieldset className={styles.sources}>
            <legend className="unseen">{t('devices.form.sources')}</legend>
            <span className="muted">{t('devices.form.sources')}</span>
            {sources.map((source) => (
              <label key={source} className="tick">
                <input type="checkbox" value={source} {...form.register('sources')} />
                {t(`devices.form.source.${source}`)}
              </label>
            ))}
          </fieldset>
        )}
        <details className={styles.more}>
          <summary>{t('devices.form.more')}</summary>
          <RegisterFields
            register={form.register as unknown as UseFormRegister<Register>}
            errors={errors as FieldErrors<Register>}
          />
        </details>
      </fieldset>
      <div className={styles.send}>
        <Save busy={busy}>{t('devices.new.send')}</Save>
        <Sent error={error} />
      </div>
    </form>
  )
}
