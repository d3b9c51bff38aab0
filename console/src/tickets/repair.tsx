/** How a repair is told: what was wrong, what was done, which parts. Typed with a thumb: lists, and the likely first. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId } from 'react'
import { useFieldArray } from 'react-hook-form'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { Failure, type Schemas, type TicketDetail } from '../api/client.ts'
import { zRepairGiven, zTransition } from '../contract/zod.gen.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { Field, Save, Sent, useForm, useSending } from '../ui/form.tsx'
import { sent, shown } from './deeds.ts'
import { choicesQuery } from './queries.ts'
import styles from './repair.module.css'
import './words.ts'
import '../ui/words.ts'

const zRepair = z.object({
  ...zRepairGiven.shape,
  actions: zRepairGiven.shape.actions.check(z.minLength(1)),
  note: zTransition.shape.note,
})
type Values = Schemas['RepairGiven'] & { note: string }

export function RepairForm({ ticket, onDone }: { ticket: TicketDetail; onDone: () => void }) {
  const query = useQuery(choicesQuery(useLanguage(), ticket.number))
  if (query.data !== undefined) return <Form ticket={ticket} choices={query.data} onDone={onDone} />
  return query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : <Skeleton rows={3} />
}

function Form(props: { ticket: TicketDetail; choices: Schemas['RepairChoices']; onDone: () => void }) {
  const { ticket, choices, onDone } = props
  const { t } = useTranslation()
  const queries = useQueryClient()
  const form = useForm<Values>({
    name: `repair.${ticket.number}`,
    schema: zRepair as never,
    values: { cause: '', actions: [], parts: [], note: '' },
  })
  const { register, control, watch } = form
  const { errors } = form.formState
  const parts = useFieldArray({ control, name: 'parts' })
  const sending = useSending(
    form,
    ({ note, ...repair }, key) => sent(ticket, 'mend', { note, repair }, key),
    (moved) => {
      form.drop()
      shown(queries, moved)
      onDone()
    },
  )
  const [cause, actions, used, note] = watch(['cause', 'actions', 'parts', 'note'])
  const said = [
    choices.causes.find(({ key }) => key === cause),
    ...choices.actions.filter(({ key }) => actions.includes(key)),
  ]
  const wants = {
    part: said.some((word) => word?.parts) && used.length === 0 && note.trim() === '',
    note: said.some((word) => word?.note) && note.trim() === '',
  }
  const conflict = sending.error instanceof Failure && sending.error.status === 412
  const send = form.handleSubmit((values) => {
    if (wants.part) form.setError('parts', { type: 'part' })
    else if (wants.note) form.setError('note', { type: 'note' })
    else sending.send(values)
  })
  return (
    <form
      className={`form ${styles.repair}`}
      aria-label={t('tickets.repair.title')}
      onSubmit={(event) => {
        if (conflict) void queries.invalidateQueries({ queryKey: ['ticket'] })
        void send(event)
      }}
    >
      <Field label={t('tickets.repair.cause')} error={errors.cause}>
        <select {...register('cause')}>
          <option value="">{t('tickets.repair.choose')}</option>
          {choices.causes.map(({ key, name }) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <fieldset className={styles.actions}>
        <legend>{t('tickets.repair.actions')}</legend>
        {choices.actions.map(({ key, name }) => (
          <label key={key}>
            <input type="checkbox" value={key} {...register('actions')} />
            <span>{name}</span>
          </label>
        ))}
        {errors.actions === undefined ? null : <p className="wrong">{t('tickets.repair.noAction')}</p>}
      </fieldset>
      <Parts
        known={choices.parts}
        used={used}
        onAdd={(part) => parts.append({ part: part.key, quantity: Math.max(1, part.likely), serial: '' })}
      />
      {parts.fields.map((field, nth) => (
        <div key={field.id} className={styles.part}>
          <span>{choices.parts.find(({ key }) => key === used[nth]?.part)?.name}</span>
          <input
            type="number"
            min={1}
            max={999}
            inputMode="numeric"
            aria-label={t('tickets.repair.quantity')}
            {...register(`parts.${nth}.quantity`, { valueAsNumber: true })}
          />
          <input
            placeholder={t('tickets.repair.serial')}
            aria-label={t('tickets.repair.serial')}
            maxLength={100}
            {...register(`parts.${nth}.serial`)}
          />
          <button
            type="button"
            className="button quiet"
            aria-label={t('tickets.repair.remove')}
            onClick={() => parts.remove(nth)}
          >
            ✕
          </button>
        </div>
      ))}
      {errors.parts === undefined ? null : <p className="wrong">{t('tickets.repair.noPart')}</p>}
      <Field
        label={wants.note ? t('tickets.repair.noteNeeded') : t('tickets.repair.note')}
        hint={t('tickets.noPatients')}
        error={errors.note}
      >
        <textarea rows={2} maxLength={2_000} {...register('note')} />
      </Field>
      <div className="buttons">
        <Save busy={sending.busy}>{t('tickets.repair.send')}</Save>
        <button type="button" className="button quiet" onClick={onDone}>
          {t('ui.cancel')}
        </button>
      </div>
      {conflict ? (
        <p role="alert" className="wrong">
          {t('tickets.repair.conflict')}
        </p>
      ) : (
        <Sent error={sending.error} />
      )}
    </form>
  )
}

/** The likely parts at a touch; all others by their names. */
function Parts(props: {
  known: Schemas['RepairChoices']['parts']
  used: Values['parts']
  onAdd: (part: Schemas['PartChoice']) => void
}) {
  const { t } = useTranslation()
  const id = useId()
  const free = props.known.filter(({ key }) => !props.used.some(({ part }) => part === key))
  const likely = free.filter((part) => part.likely > 0)
  return (
    <div className="field">
      <label htmlFor={id}>{t('tickets.repair.parts')}</label>
      <div className="buttons">
        {likely.map((part) => (
          <button key={part.key} type="button" className="button" onClick={() => props.onAdd(part)}>
            + {part.name}
          </button>
        ))}
      </div>
      <select
        id={id}
        value=""
        onChange={(event) => {
          const part = free.find(({ key }) => key === event.target.value)
          if (part !== undefined) props.onAdd(part)
        }}
      >
        <option value="">{t('tickets.repair.addPart')}</option>
        {free.map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}
