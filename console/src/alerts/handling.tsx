/** Who has an alert, and the box in which one takes it. */

import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import type { Alert } from '../api/client.ts'
import { Moment } from '../ui/bits.tsx'
import { useMay } from '../ui/context.tsx'
import { useDraft } from '../ui/drafts.ts'
import { KEYS, meant, useKeys } from '../ui/keys.ts'
import { type AlertDetail, waits } from './alert.ts'
import { noteOf, useAcknowledging } from './deeds.ts'
import styles from './page.module.css'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

/** Below an alert's row: what is being written to it, and what became of what was done. */
export function AlertDoings({ alert, children }: { alert: Alert; children: ReactNode }) {
  const { t } = useTranslation()
  const act = useActOn(alert.id)
  const { operator } = alert
  const by = waits(alert) ? null : t('alerts.by', { actor: operator.actor || t('people.former') })
  return (
    <>
      {children}
      {act === undefined ? null : <ActState act={act} now={by} />}
    </>
  )
}

/** Below a row: the box of its note while somebody writes, and what became of it. */
export function RowDoings({ alert, writing, onDone }: { alert: Alert; writing: boolean; onDone: () => void }) {
  const { t } = useTranslation()
  const { acknowledge } = useAcknowledging()
  return (
    <AlertDoings alert={alert}>
      {writing && waits(alert) ? (
        <AcknowledgeBox
          draft={alert.id}
          send={t('alerts.send')}
          onSend={(note) => {
            acknowledge([alert], note)
            onDone()
          }}
          onCancel={onDone}
        />
      ) : null}
    </AlertDoings>
  )
}

/** Where one writes a note to what one takes. `draft`: what it is kept by, should it be closed unsent. */
export function AcknowledgeBox(props: {
  draft: string
  send: string
  onSend: (note: string) => void
  onCancel: () => void
}) {
  const { t } = useTranslation()
  const [note, setNote] = useDraft(noteOf(props.draft))
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const before = document.activeElement
    input.current?.focus()
    // Where one was, one is again.
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <form
      className="write"
      onSubmit={(event: FormEvent) => {
        event.preventDefault()
        props.onSend(note.trim())
      }}
      onKeyDown={(event: KeyboardEvent) => {
        if (meant(KEYS, event.key) !== 'leave') return
        event.preventDefault()
        event.stopPropagation()
        props.onCancel()
      }}
    >
      <input
        ref={input}
        value={note}
        maxLength={2_000}
        onChange={(event) => setNote(event.target.value)}
        placeholder={t('alerts.note')}
        aria-label={t('alerts.noteLabel')}
      />
      <button type="submit" className="button primary">
        {props.send}
      </button>
      <button type="button" className="button quiet" onClick={props.onCancel}>
        {t('ui.cancel')}
      </button>
    </form>
  )
}

/** On an alert's page: who has it, and what one may do about that. */
export function Handling({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation()
  const may = useMay('alerts.handle') && !alert.read_only
  const { acknowledge, undo } = useAcknowledging()
  const [writing, setWriting] = useState(false)
  const busy = useActOn(alert.id)?.state === 'sending'
  const free = waits(alert)
  useKeys({
    acknowledge: () => setWriting(may && free),
    undo: () => {
      if (may && !free) undo([alert])
    },
  })
  const { actor, at, note } = alert.operator
  return (
    <section className={styles.handling} aria-label={t('alerts.page.who')}>
      {alert.read_only ? <p className="badge">{t('alerts.page.readOnly')}</p> : null}
      <AlertDoings alert={alert}>
        <p>
          {free ? (
            t('alerts.page.nobody')
          ) : (
            <>
              ✓ {t('alerts.by', { actor: actor || t('people.former') })} {at === null ? null : <Moment at={at} />}
              {note === '' ? null : <q className={styles.note}>{note}</q>}
            </>
          )}{' '}
          {!may || writing || busy ? null : free ? (
            <button type="button" className="button primary" onClick={() => setWriting(true)}>
              {t('alerts.acknowledge')} <kbd>a</kbd>
            </button>
          ) : (
            <button type="button" className="button" onClick={() => undo([alert])}>
              {t('alerts.undo')} <kbd>u</kbd>
            </button>
          )}
        </p>
        {writing && free ? (
          <AcknowledgeBox
            draft={alert.id}
            send={t('alerts.send')}
            onSend={(text) => {
              acknowledge([alert], text)
              setWriting(false)
            }}
            onCancel={() => setWriting(false)}
          />
        ) : null}
      </AlertDoings>
    </section>
  )
}
