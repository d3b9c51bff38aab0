import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import type { Alert } from '../api/client.ts'
import { Age, SeverityMark } from '../ui/bits.tsx'
import { href } from '../ui/route.ts'
import { opens, waits } from './alert.ts'
import { drafts } from './deeds.ts'
import './alerts.css'

interface RowProps {
  alert: Alert
  gone: boolean
  chosen: boolean
  writing: boolean
  mainRef: (element: HTMLElement | null) => void
  onFocus: () => void
  onWrite: (() => void) | null
  onUndo: (() => void) | null
  children: React.ReactNode
}

export function AlertRow({ alert, gone, chosen, writing, mainRef, onFocus, onWrite, onUndo, children }: RowProps) {
  const { t } = useTranslation()
  const act = useActOn(alert.id)
  const busy = act !== undefined && (act.state === 'sending' || act.state === 'waiting')
  const { operator } = alert
  const by = operator.state === 'acknowledged' ? t('alerts.by', { actor: operator.actor || t('people.former') }) : null
  return (
    <article
      className={`row alert ${waits(alert) ? `edge-${alert.severity}` : 'calm'} ${gone ? 'gone' : ''}`}
      data-alert={alert.id}
      data-chosen={chosen}
    >
      <a className="row-main" href={href(opens(alert))} ref={mainRef} onFocus={onFocus}>
        <span className="row-head">
          <SeverityMark severity={alert.severity} />
          <b className="name">{alert.device.name}</b>
          <span className="muted">
            <Age at={alert.occurred_at} />
          </span>
        </span>
        <span className="said">{alert.message.text}</span>
        <span className="row-sub muted">
          {gone ? (
            <span className="gone-word">{t('alerts.gone')}</span>
          ) : (
            <span>{t(`alerts.condition.${alert.condition}`)}</span>
          )}
          {alert.count > 1 ? <span>{t('alerts.times', { count: alert.count })}</span> : null}
          {alert.tickets.map((number) => (
            <span key={number} className="number">
              {t('alerts.ticket', { number })}
            </span>
          ))}
        </span>
        {by === null ? null : (
          <span className="row-sub muted operator">
            ✓ {by}
            {operator.note === '' ? '' : `：${operator.note}`}
          </span>
        )}
      </a>
      {busy || writing ? null : (
        <span className="row-tools">
          {onWrite === null ? null : (
            <button
              type="button"
              className="button"
              aria-label={t('alerts.acknowledgeOf', { device: alert.device.name })}
              onClick={onWrite}
            >
              {t('alerts.acknowledge')}
            </button>
          )}
          {onUndo === null ? null : (
            <button type="button" className="button quiet" onClick={onUndo}>
              {t('alerts.undo')}
            </button>
          )}
        </span>
      )}
      {children}
      {act === undefined ? null : <ActState act={act} now={by} />}
    </article>
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
