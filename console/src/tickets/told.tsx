/** What people told of a ticket's fault, and what was done about it. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { TicketDetail } from '../api/client.ts'
import { Moment, Skeleton, useLanguage } from '../ui/bits.tsx'
import { helpedQuery } from './queries.ts'
import './words.ts'

export function Reports({ reports }: { reports: TicketDetail['reports'] }) {
  const { t } = useTranslation()
  if (reports.length === 0) return null
  return (
    <section aria-labelledby="reports">
      <h3 id="reports">{t('tickets.page.reports')}</h3>
      <ul className="lines">
        {reports.map((report) => (
          <li key={`${report.at} ${report.actor}`}>
            <b>{report.words}</b>
            <br />
            {t(`tickets.usable.${report.usable}`)}
            {report.contact === '' ? '' : ` · ${t('tickets.page.contact')} `}
            <bdi>{report.contact}</bdi>{' '}
            <span className="muted">
              {report.caller === '' ? report.actor : `${report.caller} (${report.actor})`} · <Moment at={report.at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

const partsOf = ({ parts }: Pick<TicketDetail['repairs'][number], 'parts'>): string =>
  parts
    .map(
      ({ name, quantity, serial }) =>
        `${name}${quantity === 1 ? '' : ` × ${quantity}`}${serial === '' ? '' : ` (${serial})`}`,
    )
    .join(' · ')

/** What repaired this fault before, on this device and on others of its model, and whether it held. */
export function Helped({ family, device }: { family: string; device: { id: string; model: string } }) {
  const { t } = useTranslation()
  const query = useQuery(helpedQuery(useLanguage(), family, device.model))
  if (query.data === undefined) return query.isError ? null : <Skeleton rows={2} />
  const { items } = query.data
  return (
    <section aria-labelledby="helped">
      <h3 id="helped">{t('tickets.helped.title')}</h3>
      {items.length === 0 ? <p className="muted">{t('tickets.helped.none')}</p> : null}
      <ul className="lines" hidden={items.length === 0}>
        {items.map((one) => (
          <li key={one.ticket}>
            <b>{[...one.actions.map(({ name }) => name), partsOf(one)].filter(Boolean).join(' · ')}</b>{' '}
            {one.again_at === null ? null : <span className="badge">{t('tickets.helped.again')}</span>}
            <br />
            {t('tickets.helped.cause', { cause: one.cause.name })}
            {one.note === '' ? null : <q>{one.note}</q>}{' '}
            <span className="muted">
              {one.device.id === device.id ? (
                t('tickets.helped.here')
              ) : (
                <bdi>{`${one.hospital} · ${one.device.name}`}</bdi>
              )}{' '}
              · <Moment at={one.closed_at} />{' '}
              <Link className="number link" to="/tickets/$number" params={{ number: one.ticket }}>
                {one.ticket}
              </Link>
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

export function Repairs({ repairs }: { repairs: TicketDetail['repairs'] }) {
  const { t } = useTranslation()
  if (repairs.length === 0) return null
  return (
    <section aria-labelledby="repairs">
      <h3 id="repairs">{t('tickets.page.repairs')}</h3>
      {repairs.map((repair) => (
        <dl key={repair.at} className="times repaired">
          <div>
            <dt>{t('tickets.repair.cause')}</dt>
            <dd>{repair.cause.name}</dd>
          </div>
          <div>
            <dt>{t('tickets.repair.actions')}</dt>
            <dd>{repair.actions.map(({ name }) => name).join(' · ')}</dd>
          </div>
          <div>
            <dt>{t('tickets.repair.parts')}</dt>
            <dd>{repair.parts.length === 0 ? t('tickets.repair.none') : partsOf(repair)}</dd>
          </div>
          {repair.note === '' ? null : (
            <div>
              <dt>{t('tickets.repair.note')}</dt>
              <dd>{repair.note}</dd>
            </div>
          )}
          <div className="muted">
            {repair.actor} · <Moment at={repair.at} />
          </div>
        </dl>
      ))}
    </section>
  )
}
