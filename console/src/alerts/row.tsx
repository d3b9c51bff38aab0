import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import type { Alert } from '../api/client.ts'
import { drafts } from './deeds.ts'
import './alerts.css'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

/** Below an alert's row: what is being written to it, and what became of what was done. */
export function AlertDoings({ alert, children }: { alert: Alert; children: ReactNode }) {
  const { t } = useTranslation()
  const act = useActOn(alert.id)
  const { operator } = alert
  const by = operator.state === 'acknowledged' ? t('alerts.by', { actor: operator.actor || t('people.former') }) : null
  return (
    <>
      {children}
      {act === undefined ? null : <ActState act={act} now={by} />}
    </>
  )
}

export function AcknowledgeBox(props: { alert: Alert; onSend: (note: string) => void; onCancel: () => void }) {
  const { t } = useTranslation()
  const [note, setNote] = useState(() => drafts.get(props.alert.id) ?? '')
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const change = (text: string) => {
    setNote(text)
    drafts.set(props.alert.id, text)
  }
  return (
    <form
      className="write"
      onSubmit={(event: FormEvent) => {
        event.preventDefault()
        props.onSend(note.trim())
      }}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key === 'Escape') props.onCancel()
      }}
    >
      <input
        ref={input}
        value={note}
        maxLength={2_000}
        onChange={(event) => change(event.target.value)}
        placeholder={t('alerts.note')}
        aria-label={t('alerts.noteLabel')}
      />
      <button type="submit" className="button primary">
        {t('alerts.send')}
      </button>
      <button type="button" className="button quiet" onClick={props.onCancel}>
        {t('ui.cancel')}
      </button>
    </form>
  )
}
