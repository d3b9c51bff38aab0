import { useQuery } from '@tanstack/react-query'
import { type LinkProps, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Ticket } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { useHeld } from '../list/useHeld.ts'
import { useList } from '../list/useList.ts'
import { Age, Choice, SeverityMark, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { Split } from '../ui/split.tsx'
import { filterOf, isFiltered, NO_FILTERS, type TicketSearch } from './filter.ts'
import { useFacets } from './filters.tsx'
import { TICKET_STATES, TICKETS } from './kind.ts'
import { countQuery } from './queries.ts'
import { ticketsRoute } from './routes.ts'
import './words.ts'
import '../ui/words.ts'

export function TicketsPage() {
  const { t } = useTranslation()
  return <Split title={t('tickets.title')} list={<Tickets />} />
}

const link = (ticket: Ticket): LinkProps => ({
  to: '/tickets/$number',
  params: { number: ticket.number },
  search: true as never,
})

const look = (ticket: Ticket): string => `ticket ${ticket.status === 'closed' ? 'calm' : `edge-${ticket.severity}`}`

function Tickets() {
  const { t } = useTranslation()
  const search = ticketsRoute.useSearch()
  const navigate = useNavigate({ from: ticketsRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const { begun } = useLive()
  const filter = useMemo(() => filterOf(search), [search])
  const list = useList(TICKETS, filter)
  const { data: counted } = useQuery({ ...countQuery(useLanguage(), filter), enabled: begun })
  const { rows, waiting, ref, release } = useHeld(list.rows, TICKETS.key, JSON.stringify([filter, list.turning]))
  const ask = (change: Partial<TicketSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  useKeys({ fresh: release })
  const columns = useColumns()
  return (
    <Panel
      id="tickets"
      title={t('tickets.title')}
      list={list}
      total={counted?.exact ? counted.total : null}
      filtered={isFiltered(search)}
      onClear={() => ask(NO_FILTERS)}
      empty={t(`tickets.empty.${filter.state}`)}
      tools={
        <Choice
          label={t('ui.show')}
          value={filter.state}
          onChange={(state) => ask({ state })}
          options={TICKET_STATES.map((state) => [state, t(`tickets.${state}`)])}
        />
      }
      filters={<Search value={search.q ?? ''} onChange={(q) => ask({ q: q || undefined })} hint={t('tickets.hint')} />}
      facets={useFacets(search, ask)}
    >
      <div className="waiting" aria-live="polite">
        {waiting.length === 0 ? null : (
          <button type="button" onClick={release} className="fresh">
            ↑ {t('tickets.waiting', { count: waiting.length })} <kbd>n</kbd>
          </button>
        )}
      </div>
      <Grid
        label={t('tickets.title')}
        columns={columns}
        main="what"
        rows={rows}
        link={link}
        look={look}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
        hold={ref}
      />
    </Panel>
  )
}

function useColumns(): readonly Column<Ticket>[] {
  const { t } = useTranslation()
  return useMemo(
    () => [
      {
        id: 'severity',
        head: t('tickets.column.severity'),
        width: '82px',
        cell: ({ severity }) => <SeverityMark severity={severity} />,
      },
      {
        id: 'what',
        head: t('tickets.column.what'),
        width: 'minmax(0, 3fr)',
        cell: (ticket) => <span className="said">{ticket.title.text}</span>,
      },
      {
        id: 'device',
        head: t('tickets.column.device'),
        width: 'minmax(0, 2fr)',
        cell: ({ device }) => <bdi className="name">{device.name}</bdi>,
      },
      {
        id: 'place',
        head: t('tickets.column.place'),
        width: 'minmax(0, 2fr)',
        from: 900,
        cell: (ticket) => <bdi>{place(ticket)}</bdi>,
      },
      {
        id: 'number',
        head: t('tickets.column.number'),
        width: '132px',
        from: 700,
        cell: ({ number }) => <span className="number">{number}</span>,
      },
      {
        id: 'status',
        head: t('tickets.column.status'),
        width: '96px',
        cell: ({ status }) => <span className="badge">{t(`tickets.status.${status}`)}</span>,
      },
      {
        id: 'holder',
        head: t('tickets.column.holder'),
        width: 'minmax(72px, 1fr)',
        from: 800,
        cell: ({ holder }) => <bdi className={holder === '' ? 'muted' : 'name'}>{holder || '—'}</bdi>,
      },
      {
        id: 'age',
        head: t('tickets.column.age'),
        width: '84px',
        figure: true,
        cell: ({ opened_at }) => <Age at={opened_at} />,
      },
    ],
    [t],
  )
}
