import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Ticket } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import { useHeld } from '../list/useHeld.ts'
import { Age, Choice, Failed, SeverityMark, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { Panel } from '../ui/panel.tsx'
import { href, type Route } from '../ui/route.ts'
import { type TicketState, ticketsQuery } from './queries.ts'

export function Tickets({ route }: { route: Route }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const [state, setState] = useState<TicketState>('open')
  const query = useQuery({ ...ticketsQuery(language, state), enabled: begun })
  const { rows, waiting, ref, release } = useHeld(
    query.data?.items ?? [],
    (ticket) => ticket.number,
    `${state}|${language}`,
  )
  return (
    <Panel
      id="tickets"
      title={t('tickets.title')}
      count={query.data === undefined ? null : query.data.items.length}
      query={query}
      tools={
        <Choice
          label={t('ui.show')}
          value={state}
          onChange={setState}
          options={[
            ['open', t('tickets.open')],
            ['closed', t('tickets.closed')],
          ]}
        />
      }
    >
      <div className="waiting" aria-live="polite">
        {waiting.length === 0 ? null : (
          <button type="button" onClick={release} className="fresh">
            ↑ {t('tickets.waiting', { count: waiting.length })}
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
        <p className="empty">{t(state === 'open' ? 'tickets.emptyOpen' : 'tickets.emptyClosed')}</p>
      ) : null}
      <ul className="rows" ref={ref}>
        {rows.map(({ key, item, gone }) => (
          <li key={key}>
            <TicketRow ticket={item} gone={gone} current={route.at === 'ticket' && route.id === key} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function TicketRow({ ticket, gone, current }: { ticket: Ticket; gone: boolean; current: boolean }) {
  const { t } = useTranslation()
  const open = ticket.status !== 'closed'
  return (
    <a
      className={`row ticket ${open ? `edge-${ticket.severity}` : 'calm'} ${gone ? 'gone' : ''}`}
      href={href({ at: 'ticket', id: ticket.number })}
      aria-current={current ? 'true' : undefined}
    >
      <span className="row-head">
        <SeverityMark severity={ticket.severity} />
        <b className="number">{ticket.number}</b>
        <span className="badge">{t(`tickets.status.${ticket.status}`)}</span>
        <span className="muted">
          <Age at={ticket.opened_at} />
        </span>
      </span>
      <span className="said">{ticket.title.text}</span>
      <span className="row-sub muted">
        <span>{ticket.device.name}</span>
        <span>{place(ticket)}</span>
      </span>
    </a>
  )
}
