/** Changing what is there: only what was changed is sent, and what somebody else changed meanwhile is shown beside it. */

import { useEffect, useState } from 'react'
import type { DefaultValues, FieldValues } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import type { ZodMiniType } from 'zod/mini'
import { Failure } from '../api/client.ts'
import { differing } from './differing.ts'
import { draftOf, keepDraft } from './drafts.ts'
import { useForm, useSending } from './form.tsx'
import './form.css'
import './words.ts'

interface Options<Item, Values extends FieldValues> {
  readonly name: string
  readonly schema: ZodMiniType<unknown, Values>
  readonly item: Item
  readonly values: (item: Item) => Values
  /** Sends what differs, with `If-Match`. */
  readonly send: (changed: Partial<Values>, match: string) => Promise<Item>
  /** How it is now. */
  readonly fresh: () => Promise<Item>
  readonly onDone: (item: Item) => void
}

export function useEditing<Item extends { version: number }, Values extends FieldValues>(
  options: Options<Item, Values>,
) {
  const { name, item, values } = options
  // A draft is sent against the version that it began from, whatever came since.
  const [base, setBase] = useState<Item>(() => (draftOf(name)?.base as Item | undefined) ?? item)
  const [theirs, setTheirs] = useState<Item | null>(null)
  const form = useForm<Values>({
    name,
    schema: options.schema,
    values: values(base) as DefaultValues<Values>,
  })
  const dirty = Object.keys(differing(form.watch() as Values, values(base))).length > 0
  useEffect(() => {
    if (dirty && draftOf(name)?.base === undefined) keepDraft(name, { base })
  }, [dirty, name, base])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version came, and nothing else
  useEffect(() => {
    // Nothing is being written here: shown as somebody else made it.
    if (!dirty && theirs === null && item.version > base.version) from(item)
  }, [item])
  const from = (known: Item) => {
    form.drop()
    form.reset(values(known))
    setBase(known)
    setTheirs(null)
  }
  const sending = useSending<Values, Item | null>(
    form,
    async (typed) => {
      const against = theirs ?? base
      const changed = differing(typed, values(against))
      if (Object.keys(changed).length === 0) return against
      try {
        return await options.send(changed, `"${against.version}"`)
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'changed_meanwhile') throw error
        const now = await options.fresh()
        // It was ours, and its answer got lost.
        if (Object.keys(differing(typed, values(now))).length === 0) return now
        // What is written here is as it was, and something else changed: no matter of this form's.
        const touched = differing(values(now), values(against))
        if (!Object.keys(changed).some((field) => field in touched))
          return await options.send(changed, `"${now.version}"`)
        setTheirs(now)
        return null
      }
    },
    (done) => {
      if (done === null) return
      from(done)
      options.onDone(done)
    },
  )
  return {
    form,
    sending,
    dirty,
    theirs,
    takeTheirs: () => {
      if (theirs !== null) from(theirs)
    },
    giveUp: () => from(item),
  }
}

/** What somebody else wrote meanwhile, beside what is written here: each in words. */
export function Conflict<Values extends FieldValues>(props: {
  mine: Values
  theirs: Values | null
  names: Readonly<Partial<Record<keyof Values, string>>>
  show?: (field: keyof Values, value: unknown) => string
  onTheirs: () => void
}) {
  const { t } = useTranslation()
  const { mine, theirs } = props
  if (theirs === null) return null
  const fields = Object.keys(differing(mine, theirs)) as (keyof Values)[]
  const show = props.show ?? ((_, value) => String(value ?? ''))
  return (
    <section className="conflict" role="alert" aria-label={t('ui.conflict.title')}>
      <h3>{t('ui.conflict.title')}</h3>
      <p>{t('ui.conflict.lead')}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('ui.conflict.field')}</th>
            <th scope="col">{t('ui.conflict.theirs')}</th>
            <th scope="col">{t('ui.conflict.mine')}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={String(field)}>
              <th scope="row">{props.names[field] ?? String(field)}</th>
              <td>
                <bdi>{show(field, theirs[field]) || '–'}</bdi>
              </td>
              <td>
                <bdi>{show(field, mine[field]) || '–'}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="acts">
        <button type="submit" className="button primary">
          {t('ui.conflict.keepMine')}
        </button>
        <button type="button" className="button" onClick={props.onTheirs}>
          {t('ui.conflict.keepTheirs')}
        </button>
      </div>
    </section>
  )
}
