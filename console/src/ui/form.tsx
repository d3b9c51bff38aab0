/** Forms: what is typed is kept until it was taken, and what is wrong is said at its field. */

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation } from '@tanstack/react-query'
import { cloneElement, type ReactElement, type ReactNode, useEffect, useId } from 'react'
import {
  type DefaultValues,
  type FieldError,
  type FieldValues,
  type Path,
  type UseFormReturn,
  useForm as useHookForm,
} from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import { config, type ZodMiniType } from 'zod/mini'
import { Failure, newKey } from '../api/client.ts'
import { useProblem } from './bits.tsx'
import { draftOf, dropDraft, keepDraft } from './drafts.ts'
import './form.css'
import './words.ts'

// Zod would try to compile code, which the page's policy forbids.
config({ jitless: true })

interface Options<Values extends FieldValues> {
  /** Which form, and of what: `site.new`, `account.12`. */
  readonly name: string
  /** Of the API's document: `contract/zod.gen.ts`. */
  readonly schema: ZodMiniType<unknown, Values>
  readonly values: DefaultValues<Values>
  /** Fields that are never kept. */
  readonly secret?: readonly (keyof Values)[]
}

/** A form whose values are of `schema`. `drop()` it once it was taken, or given up on purpose. */
export function useForm<Values extends FieldValues>({ name, schema, values, secret = NONE }: Options<Values>) {
  const form = useHookForm<Values>({
    resolver: zodResolver(schema as never) as never,
    defaultValues: { ...values, ...(draftOf(name)?.values as DefaultValues<Values> | undefined) },
    mode: 'onTouched',
  })
  useEffect(() => {
    // Without a field's name it was the program that put values there.
    const watching = form.watch((typed, { name: field }) => {
      if (field === undefined) return
      const open = Object.entries(typed).filter(([field]) => !secret.includes(field))
      keepDraft(name, { values: Object.fromEntries(open) })
    })
    return () => watching.unsubscribe()
  }, [form, name, secret])
  const drop = () => {
    form.reset(values)
    dropDraft(name)
  }
  return { ...form, name, drop }
}

const NONE: readonly never[] = []

/**
 * Sends what a form has, under one Idempotency-Key until the server answered: a second press after a broken line, or after
 * a reload, does it once. What the API finds wrong with a field is said there.
 */
export function useSending<Values extends FieldValues, Answer>(
  form: Pick<UseFormReturn<Values>, 'setError' | 'getValues'> & { readonly name: string },
  send: (values: Values, key: string) => Promise<Answer>,
  onDone: (answer: Answer) => void,
) {
  const { name } = form
  const sending = useMutation({
    mutationFn: (values: Values) => {
      const key = draftOf(name)?.key ?? newKey()
      keepDraft(name, { key })
      return send(values, key)
    },
    onSuccess: (answer) => {
      keepDraft(name, { key: undefined })
      onDone(answer)
    },
    onError: (error) => {
      // Answered: what is sent next is another thing. Unanswered, or not signed in: the same again.
      if (error instanceof Failure && error.status !== 0 && error.status !== 401 && error.status < 500)
        keepDraft(name, { key: undefined })
      if (error instanceof Failure && error.where.startsWith('body.')) {
        const field = error.where.slice('body.'.length)
        if ((field.split('.')[0] as string) in form.getValues())
          form.setError(field as Path<Values>, {
            type: error.code === 'conflict' ? 'taken' : 'api',
            message: error.detail,
          })
      }
    },
  })
  return { send: (values: Values) => sending.mutate(values), busy: sending.isPending, error: sending.error }
}

/** A field with its name, a hint, and what is wrong with it. `children`: one control. */
export function Field(props: {
  label: string
  hint?: ReactNode
  error?: FieldError | undefined
  children: ReactElement<{ id?: string; 'aria-invalid'?: boolean; 'aria-describedby'?: string }>
}) {
  const { t, i18n } = useTranslation()
  const id = useId()
  const { error } = props
  const known = `ui.form.wrong.${error?.type ?? ''}`
  const words = i18n.exists(known) ? i18n.t(known as 'ui.form.wrong.too_small') : t('ui.form.wrong.other')
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      {cloneElement(props.children, { id, 'aria-invalid': error !== undefined, 'aria-describedby': `${id}-more` })}
      <p id={`${id}-more`} className={error === undefined ? 'muted' : 'wrong'}>
        {error === undefined ? props.hint : words}
      </p>
    </div>
  )
}

/** The button that sends a form. */
export function Save({ busy, children }: { busy: boolean; children?: ReactNode }) {
  const { t } = useTranslation()
  return (
    <button type="submit" className="button primary" disabled={busy}>
      {children ?? t('ui.form.save')}
    </button>
  )
}

/** What became of the sending, beside the button that sends. */
export function Sent({ error }: { error: Error | null }) {
  const { t } = useTranslation()
  const problem = useProblem()
  return (
    <div role="alert" className="form-problem">
      {error === null ? '' : t('ui.form.notSent', { reason: problem(error) })}
    </div>
  )
}

/** How a form ends: it is sent or left, and what became of the sending. `children`: what the button that sends says. */
export function Acts(props: { busy: boolean; error: Error | null; onCancel: () => void; children?: ReactNode }) {
  const { t } = useTranslation()
  return (
    <>
      <div className="acts">
        <Save busy={props.busy}>{props.children}</Save>
        <button type="button" className="button" onClick={props.onCancel}>
          {t('ui.cancel')}
        </button>
      </div>
      <Sent error={props.error} />
    </>
  )
}
