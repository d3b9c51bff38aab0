/** A hospital's home: what waits for its people, its tickets, its equipment and how it is. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device, Ticket } from '../api/client.ts'
import { DEVICES } from '../devices/kind.ts'
import { countQuery } from '../devices/queries.ts'
import { HOWS, type How, summary } from '../devices/summary.ts'
import { Search } from '../list/search.tsx'
import { type List, useList } from '../list/useList.ts'
import { TICKETS } from '../tickets/kind.ts'
import { Age, Choice, Failed, SeverityMark, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Main, Title } from '../ui/main.tsx'
import styles from './home.module.css'
import '../devices/devices.css'
import '../devices/words.ts'
import '../tickets/words.ts'
import '../ui/words.ts'
import './words.ts'

export function OursPage() {
  const { t } = useTranslation()
  return (
    <Main title={t('home.ours')}>
      <div className={styles.home}>
        <Title>{t('home.ours')}</Title>
        <div className={styles.columns}>
          <div className={styles.home}>
            <Tickets />
          </div>
          <Equipment />
        </div>
      </div>
    </Main>
  )
}

const OPEN = { state: 'open' } as const

function Tickets() {
  const { t } = useTranslation()
  const may = useMay('tickets.confirm')
  const list = useList(TICKETS, OPEN)
  const mine = may ? list.rows.filter(({ status }) => status === 'to-verify') : []
  const others = list.rows.filter((ticket) => !mine.includes(ticket))
  return (
    <>
      {mine.length === 0 ? null : (
        <section aria-labelledby="to-do">
          <h2 id="to-do">{t('home.toDo')}</h2>
          <p className="muted">{t('home.toDoText')}</p>
          <Rows of={mine} />
        </section>
      )}
      {mine.length > 0 && others.length === 0 && !list.more ? null : (
        <section aria-labelledby="open">
          <h2 id="open">{t('home.open')}</h2>
          <Loaded list={list} empty={t('home.noOpen')}>
            <Rows of={others} />
          </Loaded>
        </section>
      )}
    </>
  )
}

function Rows({ of }: { of: readonly Ticket[] }) {
  const { t } = useTranslation()
  return (
    <ul className={styles.rows}>
      {of.map((ticket) => (
        <li key={ticket.number} className={styles.row} data-key={ticket.number}>
          <Link to="/tickets/$number" params={{ number: ticket.number }}>
            <span className={styles.head}>
              <SeverityMark severity={ticket.severity} />
              <span className="badge">{t(`tickets.status.${ticket.status}`)}</span>
              <Age at={ticket.opened_at} />
            </span>
            <b>{ticket.title.text}</b>
            <span>
              <bdi>{ticket.device.name}</bdi> · <bdi>{ticket.site.name}</bdi>
            </span>
            <span className="muted">{ticket.number}</span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Equipment() {
  const { t } = useTranslation()
  const { begun } = useLive()
  const [how, setHow] = useState<How | 'all'>('all')
  const [q, setQ] = useState('')
  const filter = useMemo(
    () => ({ sort: 'urgency' as const, ...(how === 'all' ? {} : { how: [how] }), ...(q === '' ? {} : { q }) }),
    [how, q],
  )
  const list = useList(DEVICES, filter)
  const { data: counted } = useQuery({ ...countQuery(useLanguage(), q === '' ? {} : { q }), enabled: begun })
  const count = (one: How | 'all') =>
    counted === undefined ? '' : ` ${one === 'all' ? counted.total : counted.how[one]}`
  const none = q === '' && counted?.total === 0
  return (
    <section aria-labelledby="equipment">
      <h2 id="equipment">{t('home.equipment')}</h2>
      {none ? null : (
        <search className={styles.head}>
          <Search value={q} onChange={setQ} hint={t('home.search')} />
          <Choice
            label={t('devices.column.how')}
            value={how}
            onChange={setHow}
            options={(['all', ...HOWS] as const).map((one) => [
              one,
              `${one === 'all' ? t('home.all') : t(`devices.how.${one}`)}${count(one)}`,
            ])}
          />
        </search>
      )}
      <Loaded list={list} empty={q === '' && how === 'all' ? t('home.noEquipment') : t('home.noMatch')}>
        <ul className={styles.rows}>
          {list.rows.map((device) => (
            <Row key={device.id} device={device} />
          ))}
        </ul>
      </Loaded>
    </section>
  )
}

function Row({ device }: { device: Device }) {
  const { t } = useTranslation()
  const may = useMay('faults.report')
  const { stale } = useLive()
  const how = stale ? 'unknown' : summary(device)
  return (
    <li className={styles.row} data-key={device.id}>
      <Link to="/devices/$id" params={{ id: device.id }}>
        <span className={styles.head}>
          <b>
            <bdi>{device.name}</bdi>
          </b>
          <span className={`how how-${how}`}>{t(`devices.how.${how}`)}</span>
        </span>
        <span className="muted">
          <bdi>{device.site.name}</bdi>
          {device.department === '' ? null : (
            <>
              {' · '}
              <bdi>{device.department}</bdi>
            </>
          )}
          {` · ${device.model_name}`}
        </span>
        <span className="muted">{how === 'well' ? null : device.healthy.text}</span>
      </Link>
      {may ? (
        <Link to="/devices/$id/report" params={{ id: device.id }} className="button">
          {t('home.report')}
          <span className="unseen">
            {': '}
            <bdi>{device.name}</bdi>
          </span>
        </Link>
      ) : null}
    </li>
  )
}

/** A list as far as it was asked for; whatever stands in its way is said. */
function Loaded({ list, empty, children }: { list: List<unknown>; empty: string; children: ReactNode }) {
  const { t } = useTranslation()
  const { query, rows, more, next } = list
  if (query.data === undefined)
    return query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : <Skeleton rows={3} />
  if (rows.length === 0) return <p className="empty">{empty}</p>
  return (
    <>
      {children}
      {more ? (
        <button type="button" className="button" onClick={next}>
          {t('home.moreRows')}
        </button>
      ) : null}
    </>
  )
}
