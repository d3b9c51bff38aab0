/** Forms: what is typed is kept until it was taken, and what is wrong is said at its field. */

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation } from '@tanstack/react-query'
import { cloneElement, type ReactElement, type ReactNode, useEffect, useId, useRef } from 'react'
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
import './form.css'
import './words.ts'

// Zod would try to compile code, which the page's policy forbids.
config({ jitless: true })

/** What somebody began to write, by the form's name: there again when it is opened again, whatever closed it. */
const drafts = new Map<string, FieldValues>()

interface Options<Values extends FieldValues> {
  /** Which form, and of what: `site.new`, `account.12`. */
  readonly name: string
  /** Of the API's document: `contract/zod.gen.ts`. */
  readonly schema: ZodMiniType<unknown, Values>
  readonly values: DefaultValues<Values>
}

/** A form whose values are of `schema`. `drop()` it once it was taken, or given up on purpose. */
export function useForm<Values extends FieldValues>({ name, schema, values }: Options<Values>) {
  const form = useHookForm<Values>({
    resolver: zodResolver(schema as never) as never,
    defaultValues: (drafts.get(name) as DefaultValues<Values> | undefined) ?? values,
    mode: 'onTouched',
  })
  useEffect(() => {
    const watching = form.watch((typed) => drafts.set(name, typed as FieldValues))
    return () => watching.unsubscribe()
  }, [form, name])
  const drop = () => {
    drafts.delete(name)
    form.reset(values)
  }
  return { ...form, drop, kept: drafts.has(name) }
}

/**
 * Sends what a form has, under one Idempotency-Key until the server answered: a second press after a broken line does it
 * once. What the API finds wrong with a field is said there.
 */
export function useSending<Values extends FieldValues, Answer>(
  form: Pick<UseFormReturn<Values>, 'setError' | 'getValues'>,
  send: (values: Values, key: string) => Promise<Answer>,
  onDone: (answer: Answer) => void,
) {
  const key = useRef<string | null>(null)
  const sending = useMutation({
    mutationFn: (values: Values) => {
      key.current ??= newKey()
      return send(values, key.current)
    },
    onSuccess: (answer) => {
      key.current = null
      onDone(answer)
    },
    onError: (error) => {
      // Answered: what is sent next is another thing. Unanswered, or not signed in: the same again.
      if (error instanceof Failure && error.status !== 0 && error.status !== 401 && error.status < 500)
        key.current = null
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
