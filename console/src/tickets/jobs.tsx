/** An engineer's home, for a phone in one hand: what is his, then what nobody has yet; the ticket before everything else. */

import { Link } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Ticket } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import { useList } from '../list/useList.ts'
import { Age, Failed, SeverityMark, Skeleton } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Main, Title } from '../ui/main.tsx'
import styles from './jobs.module.css'
import { TICKETS } from './kind.ts'
import './words.ts'

export function JobsPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  return (
    <Main title={t('tickets.jobs.title')}>
      <div className={styles.jobs}>
        <Title>{t('tickets.jobs.title')}</Title>
        <Jobs id="mine" name={t('tickets.jobs.mine')} holder={who.user} empty={t('tickets.jobs.noneMine')} />
        <Jobs id="free" name={t('tickets.jobs.free')} holder="none" empty={t('tickets.jobs.noneFree')} />
      </div>
    </Main>
  )
}

function Jobs(props: { id: string; name: string; holder: string; empty: string }) {
  const { t } = useTranslation()
  const filter = useMemo(() => ({ state: 'open', holder: props.holder }) as const, [props.holder])
  const { rows, more, next, query } = useList(TICKETS, filter)
  const jobs = useMemo(() => [...rows].sort(TICKETS.compare(filter) ?? undefined), [rows, filter])
  let shown: ReactNode
  if (query.isError && query.data === undefined)
    shown = <Failed error={query.error} onRetry={() => void query.refetch()} />
  else if (query.data === undefined) shown = <Skeleton rows={3} />
  else if (jobs.length === 0) shown = <p className="empty">{props.empty}</p>
  else
    shown = (
      <ul>
        {jobs.map((ticket) => (
          <Job key={ticket.number} ticket={ticket} />
        ))}
      </ul>
    )
  return (
    <section aria-labelledby={props.id}>
      <h2 id={props.id}>{props.name}</h2>
      {shown}
      {more ? (
        <button type="button" className="button" onClick={next}>
          {t('tickets.jobs.more')}
        </button>
      ) : null}
    </section>
  )
}

function Job({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation()
  return (
    <li className={`${styles.job} edge-${ticket.severity}`} data-key={ticket.number}>
      <Link to="/tickets/$number" params={{ number: ticket.number }}>
        <span className={styles.head}>
          <SeverityMark severity={ticket.severity} />
          <span className="badge">{t(`tickets.status.${ticket.status}`)}</span>
          <Age at={ticket.opened_at} />
        </span>
        <b>{ticket.title.text}</b>
        <span>
          <bdi>{ticket.device.name}</bdi> · <bdi>{place(ticket)}</bdi>
        </span>
        <span className="muted">{ticket.number}</span>
      </Link>
    </li>
  )
}
