import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Failure, type Schemas, type TicketDetail } from '../api/client.ts'
import { deviceQuery, sitesQuery, ticketQuery } from '../api/queries.ts'
import { firstSignal } from '../chart/first.ts'
import { type Fault, SignalChart } from '../chart/signal.tsx'
import { serverNow } from '../feed/server-time.ts'
import { browserZone, percent, whole, zoneName } from '../words/format.ts'
import { ActState, useActOn } from './acts.tsx'
import { Age, Failed, Moment, SeverityMark, Skeleton, useDuration, useLanguage } from './bits.tsx'
import { useMayAct, usePage } from './context.tsx'
import { Detail } from './detail.tsx'
import { place } from './devices.tsx'
import { href } from './route.ts'
import { say } from './toasts.tsx'

export function TicketView({ number }: { number: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const query = useQuery(ticketQuery(language, number))
  if (query.data === undefined) {
    const missing = query.error instanceof Failure && (query.error.status === 404 || query.error.code === 'invalid')
    return (
      <Detail title={number} query={query}>
        {missing ? (
          <p className="empty">{t('ticket.notFound')}</p>
        ) : query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={8} />
        )}
      </Detail>
    )
  }
  const ticket = query.data
  return (
    <Detail title={number} query={query}>
      <header className="detail-head">
        <p className="row-head">
          <SeverityMark severity={ticket.severity} />
          <span className="badge">{t(`status.${ticket.status}`)}</span>
          <span className="number big">{ticket.number}</span>
          <CopyNumber number={ticket.number} />
        </p>
        <h2>{ticket.title.text}</h2>
        <p className="muted">
          <a href={href({ at: 'device', id: ticket.device.id, metric: null })}>{ticket.device.name}</a> ·{' '}
          {place(ticket)}
        </p>
      </header>
      <Gist ticket={ticket} />
      <Times ticket={ticket} />
      <Zone />
      <Actions ticket={ticket} />
      <section aria-labelledby="evidence">
        <h3 id="evidence">{t('ticket.evidence')}</h3>
        <Evidence key={ticket.number} ticket={ticket} />
      </section>
      <div className="columns">
        <Causes ticket={ticket} />
        <Parts parts={ticket.parts} />
      </div>
      <Diagnoses ticket={ticket} />
      <Sessions sessions={ticket.sessions} />
      <TicketAlerts alerts={ticket.alerts} />
      <History ticket={ticket} />
    </Detail>
  )
}

function CopyNumber({ number }: { number: string }) {
  const { t } = useTranslation()
  // Missing where there is no TLS; the number is selectable all the same.
  if (navigator.clipboard === undefined) return null
  const copy = () =>
    void navigator.clipboard.writeText(number).then(
      () => say(t('ticket.copied')),
      () => undefined,
    )
  return (
    <button type="button" className="button quiet" aria-label={t('ticket.copyNumber')} onClick={copy}>
      {t('ticket.copy')}
    </button>
  )
}

/** What can't be done meanwhile, and what to do: the two sentences that count at night. */
function Gist({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  if (!ticket.stops && !ticket.advice) return null
  return (
    <dl className="gist">
      {ticket.stops ? (
        <div className={`gist-stops edge-${ticket.severity}`}>
          <dt>{t('ticket.stops')}</dt>
          <dd>{ticket.stops}</dd>
        </div>
      ) : null}
      {ticket.advice ? (
        <div>
          <dt>{t('ticket.advice')}</dt>
          <dd>{ticket.advice}</dd>
        </div>
      ) : null}
    </dl>
  )
}

/** The page's zone in words, beside times that somebody may read out. */
function Zone() {
  const { t } = useTranslation()
  const language = useLanguage()
  return <p className="muted zone">{t('bar.zone', { zone: zoneName(serverNow(), language) })}</p>
}

function Times({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const sites = useQuery(sitesQuery())
  const zone = sites.data?.items.find((site) => site.id === ticket.site.id)?.time_zone
  const times: (readonly [string, string])[] = [
    [t('ticket.occurred'), ticket.occurred_at],
    [t('ticket.detected'), ticket.detected_at],
    [t('ticket.opened'), ticket.opened_at],
  ]
  if (ticket.closed_at !== null) times.push([t('ticket.closed'), ticket.closed_at])
  return (
    <dl className="times">
      {times.map(([name, at]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Moment at={at} />{' '}
            <span className="muted">
              <Age at={at} />
            </span>
            {zone !== undefined && zone !== browserZone() && at === ticket.occurred_at ? (
              <span className="muted site-time">
                {t('ticket.siteTime', { time: whole(Date.parse(at), language, zone) })}
              </span>
            ) : null}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Actions that close a ticket. */
const CLOSES: readonly Schemas['Transition']['event'][] = ['verify', 'dismiss']

/** Actions whose reason the next person must be able to read: the API asks for a note. */
const NEEDS_NOTE: readonly Schemas['Transition']['event'][] = ['hand-back', 'reject', 'dismiss']

function Actions({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const { acts } = usePage()
  const may = useMayAct()
  const act = useActOn(ticket.number)
  const [asking, setAsking] = useState<Schemas['Transition']['event'] | null>(null)
  const [note, setNote] = useState('')
  if (!may || ticket.possible.length === 0) return null
  const busy = act !== undefined && (act.state === 'sending' || act.state === 'waiting')
  const run = (event: Schemas['Transition']['event'], why: string) => {
    acts.do({ kind: 'transition', ticket, event, note: why })
    setAsking(null)
  }
  return (
    <div className="doing">
      <div className="buttons">
        {ticket.possible.map((event) => (
          <button
            key={event}
            type="button"
            className="button"
            disabled={busy}
            aria-expanded={NEEDS_NOTE.includes(event) ? asking === event : undefined}
            onClick={() => (NEEDS_NOTE.includes(event) ? setAsking(event) : run(event, ''))}
          >
            {t(`action.${event}`)}
          </button>
        ))}
      </div>
      {ticket.still_wrong > 0 && ticket.possible.some((event) => CLOSES.includes(event)) ? (
        <p className="muted">{t('action.stillWrong', { count: ticket.still_wrong })}</p>
      ) : null}
      {asking === null ? null : (
        <form
          className="write"
          onSubmit={(event) => {
            event.preventDefault()
            run(asking, note.trim())
          }}
        >
          <input
            value={note}
            required
            maxLength={2_000}
            pattern=".*\S.*"
            onChange={(event) => setNote(event.target.value)}
            placeholder={t('action.why')}
            aria-label={t('action.why')}
          />
          <button type="submit" className="button primary">
            {t(`action.${asking}`)}
          </button>
          <button type="button" className="button quiet" onClick={() => setAsking(null)}>
            {t('alerts.cancel')}
          </button>
        </form>
      )}
      {act === undefined ? null : <ActState act={act} now={null} />}
    </div>
  )
}

const AROUND_MS = 15 * 60_000

/** The chart of what the ticket is about. */
function Evidence({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const device = useQuery(deviceQuery(language, ticket.device.id))
  if (device.data === undefined)
    return device.isError ? (
      <Failed error={device.error} onRetry={() => void device.refetch()} />
    ) : (
      <Skeleton rows={4} />
    )
  const latest = device.data.latest
  const first = firstSignal(
    ticket.family,
    ticket.alerts.map((alert) => alert.message.params.signal),
    ticket.evidence.readings.length > 0 ? ticket.evidence.readings : latest,
  )
  if (first === null) return <p className="muted">{t('device.noSignals')}</p>
  const at = Date.parse(ticket.occurred_at)
  const fault: Fault = {
    at,
    severity: ticket.severity,
    // From where there is something to see.
    from: Math.max(Date.parse(ticket.evidence.begins), Date.parse(ticket.evidence.readings[0]?.at ?? '') - 60_000 || 0),
    to: Math.min(Math.max(Date.parse(ticket.evidence.ends), at) + AROUND_MS, Math.max(serverNow(), at + 60_000)),
  }
  return (
    <SignalChart
      device={ticket.device.id}
      metrics={latest}
      first={first}
      fault={rounded(fault)}
      ticket={ticket.evidence.frozen_at === null ? null : ticket.number}
    />
  )
}

/** To 10 s, so that a chart which grows isn't another one every moment. */
function rounded(fault: Fault): Fault {
  return { ...fault, to: Math.ceil(fault.to / 10_000) * 10_000 }
}

function Causes({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  if (ticket.causes.length === 0) return null
  return (
    <section aria-labelledby="causes">
      <h3 id="causes">{t('ticket.causes')}</h3>
      <ol className="causes">
        {ticket.causes.map((cause) => (
          <li key={cause}>{cause}</li>
        ))}
      </ol>
    </section>
  )
}

function Parts({ parts }: { parts: TicketDetail['parts'] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <section aria-labelledby="parts">
      <h3 id="parts">{t('ticket.parts')}</h3>
      {parts.length === 0 ? <p className="muted">{t('ticket.noParts')}</p> : null}
      <ul className="parts">
        {parts.map((part) => (
          <li key={part.key}>
            <span className="part-name">
              {part.name}
              {part.quantity === 1 ? '' : ` × ${part.quantity}`}
            </span>
            <span className="muted">{part.spec}</span>
            <span className="likely" title={t('ticket.probability')}>
              <meter min={0} max={1} value={part.probability} aria-label={t('ticket.probability')} />{' '}
              {percent(part.probability, language)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Outcome({ outcome }: { outcome: Schemas['DiagnosticStep']['outcome'] }) {
  const { t } = useTranslation()
  const sign = { ok: '✓', warn: '!', fail: '✕', refused: '–' }[outcome]
  return (
    <span className={`outcome outcome-${outcome}`}>
      <span aria-hidden="true">{sign}</span> {t(`outcome.${outcome}`)}
    </span>
  )
}

function Diagnoses({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  return (
    <section aria-labelledby="diagnosis">
      <h3 id="diagnosis">{t('ticket.diagnosis')}</h3>
      {ticket.diagnostics.length === 0 ? <p className="muted">{t('ticket.noDiagnosis')}</p> : null}
      {ticket.diagnostics.map((run) => (
        <div key={run.command} className="diagnosis">
          <p>
            {run.outcome === null ? null : <Outcome outcome={run.outcome} />}{' '}
            <b>{run.message?.text ?? (run.status === 'expired' ? t('ticket.expired') : t('ticket.waiting'))}</b>{' '}
            <span className="muted">
              {run.runbook_name ?? run.runbook ?? ''} ·{' '}
              {run.replied_at === null ? t('ticket.asked') : t('ticket.replied')}{' '}
              <Moment at={run.replied_at ?? run.issued_at} />
            </span>
          </p>
          {run.steps.length === 0 ? null : (
            <ul className="steps">
              {run.steps.map((step) => (
                <li key={step.id}>
                  <Outcome outcome={step.outcome} /> <span>{step.title}</span>{' '}
                  <span className="muted">{step.message.text}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </section>
  )
}

const STATES: readonly string[] = ['prepared']

function Sessions({ sessions }: { sessions: TicketDetail['sessions'] }) {
  const { t } = useTranslation()
  if (sessions.length === 0) return null
  return (
    <section aria-labelledby="session">
      <h3 id="session">{t('ticket.session')}</h3>
      {sessions.map((session) => (
        <p key={session.id}>
          <span className="badge">
            {STATES.includes(session.state) ? t(`session.${session.state as 'prepared'}`) : session.state}
          </span>{' '}
          {t('ticket.prepared', { minutes: session.minutes })}{' '}
          <span className="muted">
            {t('ticket.scopes', { scopes: session.scopes.map((scope) => t(`scope.${scope}`)).join(' · ') })}
          </span>
        </p>
      ))}
    </section>
  )
}

function TicketAlerts({ alerts }: { alerts: TicketDetail['alerts'] }) {
  const { t } = useTranslation()
  const duration = useDuration()
  return (
    <section aria-labelledby="its-alerts">
      <h3 id="its-alerts">{t('ticket.alerts')}</h3>
      <ul className="lines">
        {alerts.map((alert) => (
          <li key={alert.id}>
            <SeverityMark severity={alert.severity} /> <span>{alert.message.text}</span>{' '}
            <span className="muted">
              {t(`alerts.condition.${alert.condition}`)} · <Moment at={alert.occurred_at} />
              {alert.cleared_at === null
                ? ''
                : ` (${duration(Date.parse(alert.cleared_at) - Date.parse(alert.occurred_at))})`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function History({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  return (
    <section aria-labelledby="history">
      <h3 id="history">{t('ticket.history')}</h3>
      <ul className="lines">
        {ticket.events.map((event) => (
          <li key={event.id}>
            <Moment at={event.at} />{' '}
            <span>
              {event.message.text}
              {noteOf(event)}
            </span>{' '}
            <span className="muted">{event.actor || t('ticket.system')}</span>
          </li>
        ))}
        {ticket.told.map((told) => (
          <li key={`${told.recipient} ${told.step}`}>
            {told.told_at === null ? null : <Moment at={told.told_at} />}{' '}
            <span>
              {t(`telling.${told.state}`)}：{told.recipient}
            </span>{' '}
            <span className="muted">{told.error}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What somebody wrote with it; the sentence itself doesn't repeat it. */
function noteOf(event: TicketDetail['events'][number]): string {
  const { note } = event.message.params
  return typeof note === 'string' && note !== '' && !event.message.text.includes(note) ? `：${note}` : ''
}
