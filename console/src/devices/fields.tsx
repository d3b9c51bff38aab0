/** Fields that forms of devices share: where it is, and what a hospital's register has of it. */

import { useQuery } from '@tanstack/react-query'
import type { TFunction } from 'i18next'
import { useId } from 'react'
import type { FieldErrors, UseFormRegister } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { zNewDevice, zSiteByName } from '../contract/zod.gen.ts'
import { sitesQuery } from '../people/queries.ts'
import { Field } from '../ui/form.tsx'
import styles from './form.module.css'
import './words.ts'

/** A place by its names: what is there is found by them, what is new is made. */
export const wherePart = { hospital: zSiteByName.shape.hospital, place: zSiteByName.shape.site }
export interface Where {
  hospital: string
  place: string
}

const REGISTER = [
  'department',
  'serial',
  'asset_number',
  'registration_number',
  'udi',
  'made_on',
  'in_use_since',
  'use_until',
] as const
type RegisterName = (typeof REGISTER)[number]
const { shape } = zNewDevice
export const registerPart = z.pick(
  z.object(shape),
  Object.fromEntries(REGISTER.map((name) => [name, true])) as Record<RegisterName, true>,
).shape
export type Register = Record<Exclude<RegisterName, Day>, string> & Record<Day, string | null>
type Day = 'made_on' | 'in_use_since' | 'use_until'
const DAYS: readonly string[] = ['made_on', 'in_use_since', 'use_until']

/** Of a device, or of a new one: nothing. */
export const registerOf = (of: Partial<Register> = {}): Register =>
  Object.fromEntries(
    REGISTER.map((name) => [name, of[name] ?? (DAYS.includes(name) ? null : '')]),
  ) as unknown as Register

/** How each of its fields is called. */
export const registerNames = (t: TFunction): Record<RegisterName, string> =>
  Object.fromEntries(REGISTER.map((name) => [name, t(`devices.register.${name}`)])) as Record<RegisterName, string>

/** Hospital and site, with those that are there to choose from; a new one is said to be new. */
export function WhereFields(props: {
  register: UseFormRegister<Where>
  errors: FieldErrors<Where>
  value: Where
  site: string | undefined
}) {
  const { t } = useTranslation()
  const { data: sites = [] } = useQuery(sitesQuery)
  const id = useId()
  const hospitals = [...new Set(sites.map((site) => site.hospital.name))]
  const { hospital, place } = props.value
  const here = sites.filter((site) => site.hospital.name === hospital.trim())
  const known = (names: readonly string[], name: string) => name.trim() === '' || names.includes(name.trim())
  const places = here.map(({ name }) => name)
  return (
    <div className={styles.pair}>
      <Field
        label={t('devices.form.hospital')}
        hint={known(hospitals, hospital) ? '' : t('devices.form.newHospital')}
        error={props.errors.hospital ?? (props.site === undefined ? undefined : { type: 'api', message: props.site })}
      >
        <input list={`${id}-h`} autoComplete="off" dir="auto" {...props.register('hospital')} />
      </Field>
      <Field
        label={t('devices.form.place')}
        hint={known(places, place) ? '' : t('devices.form.newPlace')}
        error={props.errors.place}
      >
        <input list={`${id}-p`} autoComplete="off" dir="auto" {...props.register('place')} />
      </Field>
      <datalist id={`${id}-h`}>
        {hospitals.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id={`${id}-p`}>
        {places.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </div>
  )
}

/** What nobody needs at once: all of it may stay empty. */
export function RegisterFields(props: { register: UseFormRegister<Register>; errors: FieldErrors<Register> }) {
  const { t } = useTranslation()
  return (
    <div className={styles.pair}>
      {REGISTER.map((name) => (
        <Field
          key={name}
          label={t(`devices.register.${name}`)}
          hint={name === 'udi' ? t('devices.form.udiHint') : ''}
          error={props.errors[name]}
        >
          {DAYS.includes(name) ? (
            <input
              type="date"
              min="1950-01-01"
              max="2199-12-31"
              {...props.register(name, { setValueAs: (typed: string | null) => typed || null })}
            />
          ) : (
            <input autoComplete="off" dir="auto" {...props.register(name)} />
          )}
        </Field>
      ))}
    </div>
  )
}
