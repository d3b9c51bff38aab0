import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import type { TicketDetail } from '../api/client.ts'
import { useMay } from '../ui/context.tsx'
import { type TicketEvent, useMoving } from './deeds.ts'
import './words.ts'
import '../ui/words.ts'

/** Actions that close a ticket. */
const CLOSES: readonly TicketEvent[] = ['verify', 'dismiss']

/** Actions whose reason the next person must be able to read: the API asks for a note. */
const NEEDS_NOTE: readonly TicketEvent[] = ['hand-back', 'reject', 'dismiss']

export function Actions({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const move = useMoving()
  const may = useMay('tickets.handle')
  const act = useActOn(ticket.number)
  const [asking, setAsking] = useState<TicketEvent | null>(null)
  const [note, setNote] = useState('')
  if (!may || ticket.possible.length === 0) return null
  const busy = act !== undefined && (act.state === 'sending' || act.state === 'waiting')
  const run = (event: TicketEvent, why: string) => {
    move(ticket, event, why)
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
            {t(`tickets.action.${event}`)}
          </button>
        ))}
      </div>
      {ticket.still_wrong > 0 && ticket.possible.some((event) => CLOSES.includes(event)) ? (
        <p className="muted">{t('tickets.stillWrong', { count: ticket.still_wrong })}</p>
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
            placeholder={t('tickets.why')}
            aria-label={t('tickets.why')}
          />
          <button type="submit" className="button primary">
            {t(`tickets.action.${asking}`)}
          </button>
          <button type="button" className="button quiet" onClick={() => setAsking(null)}>
            {t('ui.cancel')}
          </button>
        </form>
      )}
      {act === undefined ? null : <ActState act={act} now={null} />}
    </div>
  )
}
