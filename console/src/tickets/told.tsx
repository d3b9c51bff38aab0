/** What people told of a ticket's fault, and what was done about it. */

import { useTranslation } from 'react-i18next'
import type { TicketDetail } from '../api/client.ts'
import { Moment } from '../ui/bits.tsx'
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
            <dd>
              {repair.parts.length === 0
                ? t('tickets.repair.none')
                : repair.parts
                    .map(
                      ({ name, quantity, serial }) =>
                        `${name}${quantity === 1 ? '' : ` × ${quantity}`}${serial === '' ? '' : ` (${serial})`}`,
                    )
                    .join(' · ')}
            </dd>
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
