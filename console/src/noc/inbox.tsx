/** What waits for the NOC, in one flow of keys: what nobody acknowledged, then what nobody has. */

import { useQuery } from '@tanstack/react-query'
import { Link, type LinkProps } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ActState, useActOn } from '../act/state.tsx'
import { waits } from '../alerts/alert.ts'
import { lastAcknowledged, useAcknowledging } from '../alerts/deeds.ts'
import { RowDoings } from '../alerts/handling.tsx'
import { ALERTS, type AlertFilter } from '../alerts/kind.ts'
import { countQuery as countAlerts, useKnown } from '../alerts/queries.ts'
import type { Alert, Ticket } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { TICKETS, type TicketFilter } from '../tickets/kind.ts'
import { countQuery as countTickets } from '../tickets/queries.ts'
import { Age, SeverityMark, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { Main } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { useReceiving } from './deeds.ts'
import { said, since, thing, type Waiting, waiting } from './waiting.ts'
import '../alerts/words.ts'
import '../tickets/words.ts'
import './noc.css'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

const FREE_ALERTS: AlertFilter = { state: 'open', operator: ['unacknowledged'] }
const FREE_TICKETS: TicketFilter = { state: 'open', holder: 'none' }

export function InboxPage() {
  const { t } = useTranslation()
  return (
    <Main title={t('noc.inbox.title')} wide>
      <Inbox />
    </Main>
  )
}

const linkOf = (one: Waiting): LinkProps =>
  one.is === 'alert'
    ? { to: '/alerts/$id', params: { id: one.alert.id } }
    : { to: '/tickets/$number', params: { number: one.ticket.number } }

const lookOf = (one: Waiting): string =>
  one.is === 'alert' ? `alert edge-${one.alert.severity}` : `ticket edge-${one.ticket.severity}`

function Inbox() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const mayAlerts = useMay('alerts.handle')
  const mayTickets = useMay('tickets.handle')
  const { undo } = useAcknowledging()
  const receive = useReceiving()
  const [chosen, setChosen] = useChosen()
  const [writing, setWriting] = useState<string | null>(null)
  const alerts = useList(ALERTS, FREE_ALERTS)
  const tickets = useList(TICKETS, FREE_TICKETS)
  const all = useMemo(() => waiting(alerts.rows, tickets.rows), [alerts.rows, tickets.rows])
  const { rows, waiting: fresh, ref, release } = useHeld(all, (one) => one.key, 'inbox')
  const selected = rows.find((row) => row.key === chosen)?.item
  useKeys({
    fresh: release,
    acknowledge: () => {
      if (selected === undefined) say(t('alerts.said.choose'))
      else if (mayAlerts && selected.is === 'alert' && waits(selected.alert)) setWriting(selected.key)
    },
    receive: () => {
      if (mayTickets && selected?.is === 'ticket' && selected.ticket.status === 'new') receive(selected.ticket)
    },
    undo: () => {
      if (!mayAlerts) return
      if (lastAcknowledged().length === 0) say(t('alerts.said.nothing'))
      else undo(lastAcknowledged())
    },
  })
  const columns = useColumns()
  const below = useCallback(
    (one: Waiting) =>
      one.is === 'ticket' ? (
        <TicketDoings ticket={one.ticket} />
      ) : (
        <RowDoings alert={one.alert} writing={writing === one.key} onDone={() => setWriting(null)} />
      ),
    [writing],
  )
  const { data: freeAlerts } = useQuery({ ...countAlerts(language, FREE_ALERTS, undefined), enabled: begun })
  const { data: freeTickets } = useQuery({ ...countTickets(language, FREE_TICKETS), enabled: begun })
  const headings = {
    alert: freeAlerts === undefined ? t('alerts.title') : t('noc.inbox.alerts', { count: freeAlerts.total }),
    ticket: freeTickets === undefined ? t('tickets.title') : t('noc.inbox.tickets', { count: freeTickets.total }),
  }
  return (
    <Panel
      id="inbox"
      title={t('noc.inbox.title')}
      list={{
        ...alerts,
        rows: all,
        more: alerts.more || tickets.more,
        query: alerts.query.data === undefined || alerts.query.isError ? alerts.query : tickets.query,
      }}
      total={null}
      filtered={false}
      onClear={release}
      empty={
        <>
          {t('noc.inbox.clear')}{' '}
          <Link className="link" to="/alerts">
            {t('noc.inbox.look')}
          </Link>
        </>
      }
      tools={<p className="muted wide-only">{t('noc.inbox.keys')}</p>}
    >
      <div className="waiting" aria-live="polite">
        {fresh.length === 0 ? null : (
          <button type="button" onClick={release} className="fresh">
            ↑ {t('noc.inbox.waiting', { count: fresh.length })} <kbd>n</kbd>
          </button>
        )}
      </div>
      <Grid
        label={t('noc.inbox.title')}
        columns={columns}
        main="what"
        rows={rows}
        link={linkOf}
        look={lookOf}
        group={(one) => headings[one.is]}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={() => {
          alerts.next()
          tickets.next()
        }}
        hold={ref}
        below={below}
      />
    </Panel>
  )
}

function TicketDoings({ ticket }: { ticket: Ticket }) {
  const act = useActOn(ticket.number)
  return act === undefined ? null : <ActState act={act} now={null} />
}

function AlertState({ alert }: { alert: Alert }) {
  const { t } = useTranslation()
  const known = useKnown(alert)
  return (
    <span className="badge">
      {waits(known)
        ? t('noc.inbox.unacknowledged')
        : t('alerts.by', { actor: known.operator.actor || t('people.former') })}
    </span>
  )
}

function useColumns(): readonly Column<Waiting>[] {
  const { t } = useTranslation()
  return useMemo(
    () => [
      {
        id: 'severity',
        head: t('alerts.column.severity'),
        width: '82px',
        cell: (one) => <SeverityMark severity={thing(one).severity} />,
      },
      {
        id: 'what',
        head: t('noc.inbox.what'),
        width: 'minmax(0, 3fr)',
        cell: (one) => <span className="said">{said(one)}</span>,
      },
      {
        id: 'device',
        head: t('alerts.column.device'),
        width: 'minmax(0, 2fr)',
        cell: (one) => <bdi className="name">{thing(one).device.name}</bdi>,
      },
      {
        id: 'place',
        head: t('alerts.column.place'),
        width: 'minmax(0, 2fr)',
        from: 760,
        cell: (one) => <bdi>{place(thing(one))}</bdi>,
      },
      {
        id: 'state',
        head: t('noc.inbox.state'),
        width: 'minmax(96px, 1fr)',
        cell: (one) =>
          one.is === 'alert' ? (
            <AlertState alert={one.alert} />
          ) : (
            <span className="badge">{t(`tickets.status.${one.ticket.status}`)}</span>
          ),
      },
      {
        id: 'number',
        head: t('alerts.column.ticket'),
        width: '136px',
        from: 900,
        cell: (one) => (
          <span className="number">{one.is === 'alert' ? (one.alert.tickets.at(-1) ?? '') : one.ticket.number}</span>
        ),
      },
      {
        id: 'age',
        head: t('alerts.column.age'),
        width: '84px',
        figure: true,
        cell: (one) => <Age at={since(one)} />,
      },
    ],
    [t],
  )
}
