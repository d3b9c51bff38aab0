import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useRows } from '../admin/rows.ts'
import { api, type Schemas, taken } from '../api/client.ts'
import { zNewSite, zSiteChange } from '../contract/zod.gen.ts'
import { Failed, Skeleton } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Sent, useForm, useSending } from '../ui/form.tsx'
import { say } from '../ui/toasts.tsx'
import { Zone } from './zone.tsx'
import '../admin/admin.css'
import { ORGS, type Organisation } from './queries.ts'
import './words.ts'
import '../ui/words.ts'

type Site = Schemas['Site']
export const SITES = 'sites'

/** All of a hospital's sites, as a list asks for them. */
export const useSites = (hospital: number) =>
  useRows<Site>([SITES, hospital], (page, signal) =>
    taken(api.GET('/api/v1/sites', { params: { query: { ...page, hospital } }, signal })),
  )

/** Where equipment stands: each with its address and time zone. */
export function Sites({ org }: { org: Organisation }) {
  const { t } = useTranslation()
  const may = useMay('sites.manage')
  const list = useSites(org.id)
  const [open, setOpen] = useState<number | 'new' | null>(null)
  return (
    <section aria-label={t('places.sites')}>
      <h3>{t('places.sites')}</h3>
      {list.query.isPending ? <Skeleton rows={2} /> : null}
      {list.query.isError ? <Failed error={list.query.error} onRetry={() => void list.query.refetch()} /> : null}
      {list.query.isSuccess && list.rows.length === 0 ? <p className="muted">{t('places.noSites')}</p> : null}
      <ul className="plain-list">
        {list.rows.map((site) =>
          open === site.id ? (
            <li key={site.id}>
              <EditSite site={site} onClose={() => setOpen(null)} />
            </li>
          ) : (
            <li key={site.id}>
              <span>
                <bdi className="name">{site.name}</bdi>
                <br />
                <span className="muted">
                  {site.address === '' ? t('places.noAddress') : <bdi>{site.address}</bdi>} · {site.time_zone}
                </span>
              </span>
              {may && !site.shared ? (
                <button
                  type="button"
                  className="button"
                  aria-label={`${t('places.edit')}: ${site.name}`}
                  onClick={() => setOpen(site.id)}
                >
                  {t('places.edit')}
                </button>
              ) : null}
            </li>
          ),
        )}
      </ul>
      {may ? (
        open === 'new' ? (
          <AddSite org={org} onClose={() => setOpen(null)} />
        ) : (
          <div className="acts">
            <button type="button" className="button" onClick={() => setOpen('new')}>
              {t('places.addSite')}
            </button>
          </div>
        )
      ) : null}
    </section>
  )
}

function useChanged() {
  const queries = useQueryClient()
  return () => {
    void queries.invalidateQueries({ queryKey: [SITES] })
    void queries.invalidateQueries({ queryKey: [ORGS] })
  }
}

function AddSite({ org, onClose }: { org: Organisation; onClose: () => void }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const form = useForm({
    name: `site.new.${org.id}`,
    schema: zNewSite,
    values: { hospital: org.name, site: '', time_zone: 'Asia/Shanghai', address: '' },
  })
  const { errors } = form.formState
  const sending = useSending(
    form,
    (body, key) =>
      taken(api.POST('/api/v1/sites', { params: { header: { 'Idempotency-Key': key } }, body: body as never })),
    ({ name }) => {
      form.drop()
      changed()
      say(t('places.siteAdded', { name }))
      onClose()
    },
  )
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)} aria-label={t('places.addSite')}>
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
          onClose()
        }}
      >
        {t('places.addSite')}
      </Acts>
    </form>
  )
}

const valuesOf = ({ name, address, time_zone }: Site) => ({ name, address, time_zone })

function EditSite({ site, onClose }: { site: Site; onClose: () => void }) {
  const { t } = useTranslation()
  const changed = useChanged()
  const { form, sending, theirs, takeTheirs, giveUp } = useEditing({
    name: `site.${site.id}`,
    schema: zSiteChange,
    item: site,
    values: valuesOf,
    send: (what, match) =>
      taken(
        api.PATCH('/api/v1/sites/{id}', {
          params: { path: { id: site.id }, header: { 'If-Match': match } },
          body: what as never,
        }),
      ),
    fresh: async () => {
      const now = await taken(
        api.GET('/api/v1/sites', { params: { query: { hospital: site.hospital.id, limit: 1_000 } } }),
      )
      return now.items.find(({ id }) => id === site.id) ?? site
    },
    onDone: () => {
      changed()
      onClose()
    },
  })
  const { errors } = form.formState
  const names = { name: t('places.site'), address: t('places.address'), time_zone: t('places.zone') }
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)} aria-label={`${t('places.edit')}: ${site.name}`}>
      <Field label={names.name} error={errors.name}>
        <input {...form.register('name')} autoComplete="off" />
      </Field>
      <Field label={names.address} error={errors.address}>
        <input {...form.register('address')} autoComplete="off" />
      </Field>
      <Field label={names.time_zone} hint={t('places.zoneHint')} error={errors.time_zone}>
        <Zone {...form.register('time_zone')} />
      </Field>
      <Conflict
        mine={form.getValues()}
        theirs={theirs === null ? null : valuesOf(theirs)}
        names={names}
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
