import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import type { TicketDetail } from '../api/client.ts'
import { useDraft } from '../ui/drafts.ts'
import { type Doing, useMoving, whyOf } from './deeds.ts'
import { RepairForm } from './repair.tsx'
import './words.ts'
import '../ui/words.ts'

/** Actions that close a ticket. */
const CLOSES: readonly Doing[] = ['verify', 'confirm', 'release', 'dismiss']

/** Actions whose reason the next person must be able to read: the API asks for a note. */
const NEEDS_NOTE: readonly Doing[] = ['hand-back', 'reject', 'dismiss', 'decline', 'release']

/** What is done most of the time: the first of them that is possible stands out. */
const NEXT: readonly Doing[] = ['take', 'arrive', 'parts-here', 'mend', 'confirm', 'verify']

export function Actions({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const move = useMoving()
  const act = useActOn(ticket.number)
  const [asking, setAsking] = useState<Doing | null>(null)
  const busy = act !== undefined && (act.state === 'sending' || act.state === 'waiting')
  const next = NEXT.find((doing) => ticket.possible.includes(doing))
  const asks = (doing: Doing) => doing === 'mend' || NEEDS_NOTE.includes(doing)
  const run = (doing: Doing, note = '') => {
    move(ticket, doing, note)
    setAsking(null)
  }
  // What is asked for may have become impossible: somebody else was faster.
  const open = asking !== null && ticket.possible.includes(asking) ? asking : null
  if (ticket.possible.length === 0 && act === undefined) return null
  return (
    <div className="doing">
      <div className="buttons">
        {ticket.possible.map((doing) => (
          <button
            key={doing}
            type="button"
            className={doing === next ? 'button primary' : 'button'}
            disabled={busy}
            aria-expanded={asks(doing) ? open === doing : undefined}
            onClick={() => (asks(doing) ? setAsking(open === doing ? null : doing) : run(doing))}
          >
            {t(`tickets.action.${doing}`)}
          </button>
        ))}
      </div>
      {ticket.still_wrong > 0 && ticket.possible.some((doing) => CLOSES.includes(doing)) ? (
        <p className="muted">{t('tickets.stillWrong', { count: ticket.still_wrong })}</p>
      ) : null}
      {open === 'mend' ? <RepairForm ticket={ticket} onDone={() => setAsking(null)} /> : null}
      {open === null || open === 'mend' ? null : (
        <Why
          key={open}
          number={ticket.number}
          doing={open}
          onSend={(note) => run(open, note)}
          onCancel={() => setAsking(null)}
        />
      )}
      {act === undefined ? null : <ActState act={act} now={null} />}
    </div>
  )
}

/** Where one writes why. What was written stays until it was taken: somebody else may be faster. */
function Why(props: { number: string; doing: Doing; onSend: (note: string) => void; onCancel: () => void }) {
  const { t } = useTranslation()
  const { doing } = props
  const [note, setNote] = useDraft(whyOf(props.number, doing))
  return (
    <form
      className="write"
      onSubmit={(event) => {
        event.preventDefault()
        props.onSend(note.trim())
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
        {t(`tickets.action.${doing}`)}
      </button>
      <button type="button" className="button quiet" onClick={props.onCancel}>
        {t('ui.cancel')}
      </button>
    </form>
  )
}
