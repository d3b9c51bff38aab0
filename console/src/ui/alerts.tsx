import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert, Severity } from '../api/client.ts'
import { type AlertState, alertsQuery } from '../api/queries.ts'
import { neighbour } from '../list/hold.ts'
import { useHeld } from '../list/useHeld.ts'
import { ActState, useActOn } from './acts.tsx'
import { Age, Choice, Failed, SeverityMark, Skeleton, useLanguage } from './bits.tsx'
import { useLive, useMayAct, usePage } from './context.tsx'
import { type KeyActions, useKeys } from './keys.ts'
import { Panel } from './panel.tsx'
import { href, type Route } from './route.ts'
import { say } from './toasts.tsx'

const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor', 'warning']
/** What somebody began to write is there again when the box is opened again, whatever closed it. */
const drafts = new Map<string, string>()

/** What a click on an alert opens: its ticket, else its device with the signal it is about. */
function opens(alert: Alert): Route {
  const number = alert.tickets.at(-1)
  if (number !== undefined) return { at: 'ticket', number }
  return { at: 'device', id: alert.device.id, metric: alert.kind === 'limit' ? alert.subject : null }
}

const waits = (alert: Alert): boolean => alert.operator.state === 'unacknowledged'
const order = (alert: Alert): number => (waits(alert) ? 0 : 1)

export function Alerts() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const { acts } = usePage()
  const may = useMayAct()
  const [state, setState] = useState<AlertState>('open')
  const [chosen, setChosen] = useState<string | null>(null)
  const [writing, setWriting] = useState<string | null>(null)
  const rowsOf = useRef(new Map<string, HTMLElement>())
  const query = useQuery({ ...alertsQuery(language, state), enabled: begun })
  const sorted = [...(query.data?.items ?? [])].sort((one, other) => order(one) - order(other))
  const { rows, waiting, ref, release } = useHeld(sorted, (alert) => alert.id, `${state}|${language}`)
  const worst = SEVERITIES.find((severity) => waiting.some((alert) => alert.severity === severity))
  const selected = rows.find((row) => row.key === chosen) ?? null

  const focus = (key: string | null) => {
    setChosen(key)
    if (key !== null) rowsOf.current.get(key)?.focus()
  }
  const step = (by: 1 | -1) =>
    focus(
      neighbour(
        rows.map((row) => row.key),
        chosen,
        by,
      ),
    )
  const undo = (alert: Alert) => acts.do({ kind: 'unacknowledge', alert, note: '' })
  const actions: KeyActions = {
    j: () => step(1),
    k: () => step(-1),
    n: release,
    a: () => {
      if (!may) return
      if (selected === null) say(t('act.choose'))
      else if (waits(selected.item)) setWriting(selected.key)
    },
    u: () => {
      const alert = selected !== null && !waits(selected.item) ? selected.item : acts.lastAcknowledged
      if (!may) return
      if (alert === null) say(t('act.nothing'))
      else undo(alert)
    },
  }
  useKeys(actions)

  return (
    <Panel
      id="alerts"
      title={t('alerts.title')}
      count={query.data === undefined ? null : query.data.items.length}
      query={query}
      tools={
        <Choice
          label={t('alerts.show')}
          value={state}
          onChange={setState}
          options={[
            ['open', t('alerts.open')],
            ['pending', t('alerts.pending')],
            ['over', t('alerts.over')],
          ]}
        />
      }
    >
      <div className="waiting" aria-live="polite">
        {worst === undefined ? null : (
          <button type="button" onClick={release} className={`fresh severity-${worst}`}>
            ↑ {t('alerts.waitingWorst', { count: waiting.length, severity: t(`severity.${worst}`) })} <kbd>n</kbd>
          </button>
        )}
      </div>
      {query.data === undefined ? (
        query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={3} />
        )
      ) : null}
      {query.data !== undefined && rows.length === 0 ? (
        <p className="empty">
          {t(state === 'open' ? 'alerts.emptyOpen' : state === 'pending' ? 'alerts.emptyPending' : 'alerts.emptyOver')}
        </p>
      ) : null}
      <ul className="rows" ref={ref}>
        {rows.map(({ key, item, gone }) => (
          <li key={key}>
            <AlertRow
              alert={item}
              gone={gone}
              chosen={key === chosen}
              writing={key === writing && waits(item)}
              mainRef={(element) => {
                if (element === null) rowsOf.current.delete(key)
                else rowsOf.current.set(key, element)
              }}
              onFocus={() => setChosen(key)}
              onWrite={may && waits(item) ? () => setWriting(key) : null}
              onUndo={may && !waits(item) ? () => undo(item) : null}
            >
              {writing === key && waits(item) ? (
                <AcknowledgeBox
                  alert={item}
                  onSend={(note) => {
                    acts.do({ kind: 'acknowledge', alert: item, note })
                    setWriting(null)
                    focus(key)
                  }}
                  onCancel={() => {
                    setWriting(null)
                    focus(key)
                  }}
                />
              ) : null}
            </AlertRow>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

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

function AlertRow({ alert, gone, chosen, writing, mainRef, onFocus, onWrite, onUndo, children }: RowProps) {
  const { t } = useTranslation()
  const act = useActOn(alert.id)
  const busy = act !== undefined && (act.state === 'sending' || act.state === 'waiting')
  const { operator } = alert
  const by = operator.state === 'acknowledged' ? t('alerts.by', { actor: operator.actor }) : null
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

function AcknowledgeBox(props: { alert: Alert; onSend: (note: string) => void; onCancel: () => void }) {
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
        {t('alerts.cancel')}
      </button>
    </form>
  )
}

/** After an acknowledgement has arrived its note is no draft any more. */
export function forgetDraft(alert: string): void {
  drafts.delete(alert)
}
