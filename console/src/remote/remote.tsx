/** What was asked of a ticket's device from afar, and the session prepared for it. */

import { useTranslation } from 'react-i18next'
import type { Schemas, TicketDetail } from '../api/client.ts'
import { Moment } from '../ui/bits.tsx'
import './remote.css'
import './words.ts'

function Outcome({ outcome }: { outcome: Schemas['DiagnosticStep']['outcome'] }) {
  const { t } = useTranslation()
  const sign = { ok: '✓', warn: '!', fail: '✕', refused: '–' }[outcome]
  return (
    <span className={`outcome outcome-${outcome}`}>
      <span aria-hidden="true">{sign}</span> {t(`remote.outcome.${outcome}`)}
    </span>
  )
}

export function Diagnoses({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  return (
    <section aria-labelledby="diagnosis">
      <h3 id="diagnosis">{t('remote.diagnosis.title')}</h3>
      {ticket.diagnostics.length === 0 ? <p className="muted">{t('remote.diagnosis.none')}</p> : null}
      {ticket.diagnostics.map((run) => (
        <div key={run.command} className="diagnosis">
          <p>
            {/* What it found stands with what it looked at: nothing found is no word on the rest. */}
            <b className={run.outcome === null || run.unchecked !== null ? '' : `outcome outcome-${run.outcome}`}>
              {run.message?.text ?? `${run.runbook_name ?? run.runbook ?? ''}: ${t('remote.diagnosis.waiting')}`}
            </b>{' '}
            <span className="muted">
              {run.replied_at === null ? t('remote.diagnosis.asked') : t('remote.diagnosis.replied')}{' '}
              <Moment at={run.replied_at ?? run.issued_at} />
            </span>
          </p>
          {run.steps.length === 0 ? null : (
            <ul className="steps">
              {run.steps.map((step) => (
                <li key={step.id}>
                  <Outcome outcome={step.outcome} /> <span>{step.title}</span>
                  {step.message.text === t(`remote.outcome.${step.outcome}`) ? null : (
                    <span className="muted"> {step.message.text}</span>
                  )}
                </li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </section>
  )
}

const STATES: readonly string[] = ['prepared', 'withdrawn']

export function Sessions({ sessions }: { sessions: TicketDetail['sessions'] }) {
  const { t } = useTranslation()
  if (sessions.length === 0) return null
  return (
    <section aria-labelledby="session">
      <h3 id="session">{t('remote.session.title')}</h3>
      {sessions.map((session) => (
        <p key={session.id}>
          <span className="badge">
            {STATES.includes(session.state) ? t(`remote.session.state.${session.state as 'prepared'}`) : session.state}
          </span>{' '}
          {session.state === 'prepared' ? `${t('remote.session.prepared', { minutes: session.minutes })} ` : null}
          <span className="muted">
            {t('remote.session.scopes', {
              scopes: session.scopes.map((scope) => t(`remote.session.scope.${scope}`)).join(' · '),
            })}
          </span>
        </p>
      ))}
    </section>
  )
}
