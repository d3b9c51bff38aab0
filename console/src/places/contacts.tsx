import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import { Confirm } from '../admin/confirm.tsx'
import { useRows } from '../admin/rows.ts'
import { api, type Schemas, taken } from '../api/client.ts'
import { zContactChange, zNewContact } from '../contract/zod.gen.ts'
import { Failed, Skeleton } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Sent, useForm, useSending } from '../ui/form.tsx'
import { say } from '../ui/toasts.tsx'
import { useSites } from './sites.tsx'
import '../admin/admin.css'
import './words.ts'
import '../ui/words.ts'

type Contact = Schemas['Contact']
const CONTACTS = 'contacts'
const PARTS = ['department', 'equipment', 'it', 'other'] as const
const NIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const

/** Those who are called at night first, in their order; then by name. */
export function inOrder(contacts: readonly Contact[]): readonly Contact[] {
  const last = NIGHTS.length + 1
  return [...contacts].sort(
    (one, other) => (one.night ?? last) - (other.night ?? last) || one.name.localeCompare(other.name),
  )
}

/** Whom to call at a hospital: a phone rings by a touch. */
export function Contacts({ hospital }: { hospital: number }) {
  const { t } = useTranslation()
  const may = useMay('contacts.manage')
  const [open, setOpen] = useState<number | 'new' | null>(null)
  const list = useRows<Contact>([CONTACTS, hospital], (page, signal) =>
    taken(api.GET('/api/v1/contacts', { params: { query: { ...page, hospital } }, signal })),
  )
  return (
    <section aria-label={t('places.contacts')}>
      <h3>{t('places.contacts')}</h3>
      {list.query.isPending ? <Skeleton rows={2} /> : null}
      {list.query.isError ? <Failed error={list.query.error} onRetry={() => void list.query.refetch()} /> : null}
      {list.query.isSuccess && list.rows.length === 0 ? (
        <p className="muted">{may ? t('places.noContacts') : t('places.noContactsRead')}</p>
      ) : null}
      <ul className="plain-list">
        {inOrder(list.rows).map((contact) =>
          open === contact.id ? (
            <li key={contact.id}>
              <EditContact contact={contact} onClose={() => setOpen(null)} />
            </li>
          ) : (
            <One key={contact.id} contact={contact} onEdit={may ? () => setOpen(contact.id) : null} />
          ),
        )}
      </ul>
      {may ? (
        open === 'new' ? (
          <AddContact hospital={hospital} onClose={() => setOpen(null)} />
        ) : (
          <div className="acts">
            <button type="button" className="button" onClick={() => setOpen('new')}>
              {t('places.addContact')}
            </button>
            <span className="muted">{t('places.whoSees')}</span>
          </div>
        )
      ) : null}
    </section>
  )
}

function One({ contact, onEdit }: { contact: Contact; onEdit: (() => void) | null }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id, name, phone, hours, night, site } = contact
  return (
    <li>
      <span>
        <bdi className="name">{name}</bdi> <span className="badge">{t(`places.part.${contact.part}`)}</span>{' '}
        {night === null ? null : <span className="badge">{t('places.nightly', { order: night })}</span>}
        <br />
        <a href={`tel:${phone.replaceAll(/[ ()/-]/g, '')}`}>{phone}</a>
        <span className="muted">
          {hours === '' ? null : <bdi> · {hours}</bdi>} ·{' '}
          {site === null ? t('places.wholeHospital') : <bdi>{site.name}</bdi>}
        </span>
      </span>
      {onEdit === null ? null : (
        <span className="acts">
          <button type="button" className="button" aria-label={`${t('places.edit')}: ${name}`} onClick={onEdit}>
            {t('places.edit')}
          </button>
          <Confirm
            button={t('places.remove')}
            of={name}
            title={t('places.removeTitle', { name })}
            yes={t('places.remove')}
            act={() => taken(api.DELETE('/api/v1/contacts/{id}', { params: { path: { id } } }))}
            onDone={() => {
              say(t('places.removed', { name }))
              void queries.invalidateQueries({ queryKey: [CONTACTS] })
            }}
          >
            <p>{t('places.removeText')}</p>
          </Confirm>
        </span>
      )}
    </li>
  )
}

interface Values {
  site?: number | null | undefined
  name?: string | null | undefined
  part?: Contact['part'] | null | undefined
  phone?: string | null | undefined
  hours?: string | null | undefined
  night?: number | null | undefined
}

const number = (value: unknown): number | null => (value === '' || value === null ? null : Number(value))

/** The fields of a contact, for one that is new and one that is changed. */
function Fields({ form, hospital }: { form: UseFormReturn<Values>; hospital: number }) {
  const { t } = useTranslation()
  const sites = useSites(hospital)
  const { errors } = form.formState
  return (
    <>
      <Field label={t('places.who')} hint={t('places.whoHint')} error={errors.name}>
        <input {...form.register('name')} autoComplete="off" />
      </Field>
      <Field label={t('places.partOf')} error={errors.part}>
        <select {...form.register('part')}>
          {PARTS.map((part) => (
            <option key={part} value={part}>
              {t(`places.part.${part}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t('places.phone')} hint={t('places.phoneHint')} error={errors.phone}>
        <input {...form.register('phone')} type="tel" autoComplete="off" />
      </Field>
      <Field label={t('places.hours')} hint={t('places.hoursHint')} error={errors.hours}>
        <input {...form.register('hours')} autoComplete="off" />
      </Field>
      <Field label={t('places.night')} error={errors.night}>
        <select {...form.register('night', { setValueAs: number })}>
          <option value="">{t('places.notAtNight')}</option>
          {NIGHTS.map((night) => (
            <option key={night} value={night}>
              {t('places.nightly', { order: night })}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t('places.forSite')} error={errors.site}>
        <select {...form.register('site', { setValueAs: number })}>
          <option value="">{t('places.wholeHospital')}</option>
          {sites.rows.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </Field>
    </>
  )
}

function AddContact({ hospital, onClose }: { hospital: number; onClose: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const form = useForm<Values>({
    name: `contact.new.${hospital}`,
    schema: zNewContact as never,
    values: { site: null, name: '', part: 'equipment', phone: '', hours: '', night: null },
  })
  const sending = useSending<Values, Contact>(
    form,
    (body, key) =>
      taken(
        api.POST('/api/v1/contacts', {
          params: { header: { 'Idempotency-Key': key } },
          body: { ...body, hospital } as never,
        }),
      ),
    ({ name }) => {
      form.drop()
      void queries.invalidateQueries({ queryKey: [CONTACTS] })
      say(t('places.contactAdded', { name }))
      onClose()
    },
  )
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)} aria-label={t('places.addContact')}>
      <Fields form={form as never} hospital={hospital} />
      <Acts
        busy={sending.busy}
        error={sending.error}
        onCancel={() => {
          form.drop()
          onClose()
        }}
      >
        {t('places.addContact')}
      </Acts>
    </form>
  )
}

const valuesOf = (contact: Contact): Values => {
  const { name, part, phone, hours, night } = contact
  return { site: contact.site?.id ?? null, name, part, phone, hours, night }
}

function EditContact({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const hospital = contact.hospital.id
  const { form, sending, theirs, takeTheirs, giveUp } = useEditing<Contact, Values>({
    name: `contact.${contact.id}`,
    schema: zContactChange as never,
    item: contact,
    values: valuesOf,
    send: (what, match) =>
      taken(
        api.PATCH('/api/v1/contacts/{id}', {
          params: { path: { id: contact.id }, header: { 'If-Match': match } },
          body: what as never,
        }),
      ),
    fresh: async () => {
      const now = await taken(api.GET('/api/v1/contacts', { params: { query: { hospital, limit: 1_000 } } }))
      return now.items.find(({ id }) => id === contact.id) ?? contact
    },
    onDone: () => {
      void queries.invalidateQueries({ queryKey: [CONTACTS] })
      onClose()
    },
  })
  return (
    <form
      className="form"
      onSubmit={form.handleSubmit(sending.send)}
      aria-label={`${t('places.edit')}: ${contact.name}`}
    >
      <Fields form={form as never} hospital={hospital} />
      <Conflict
        mine={form.getValues()}
        theirs={theirs === null ? null : valuesOf(theirs)}
        names={{
          site: t('places.forSite'),
          name: t('places.who'),
          part: t('places.partOf'),
          phone: t('places.phone'),
          hours: t('places.hours'),
          night: t('places.night'),
        }}
        show={(field, value) => (field === 'part' ? t(`places.part.${value as 'it'}`) : String(value ?? ''))}
        onTheirs={takeTheirs}
      />
      {theirs === null ? (
        <Acts
          busy={sending.busy}
          error={sending.error}
          onCancel={() => {
            giveUp()
            onClose()
          }}
        />
      ) : (
        <Sent error={sending.error} />
      )}
    </form>
  )
}
