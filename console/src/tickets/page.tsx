import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Failure, type TicketDetail } from '../api/client.ts'
import { place } from '../devices/summary.ts'
import { sitesQuery } from '../people/queries.ts'
import { Diagnoses, Sessions } from '../remote/remote.tsx'
import { Age, Failed, Moment, SeverityMark, Skeleton, useLanguage, useNow } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { browserZone, percent, whole, zoneName } from '../words/format.ts'
import { Actions } from './actions.tsx'
import { Evidence } from './evidence.tsx'
import { History, TicketAlerts } from './history.tsx'
import { ticketQuery } from './queries.ts'
import { ticketRoute } from './routes.ts'
import { Helped, Repairs, Reports } from './told.tsx'
import './tickets.css'
import './words.ts'
import '../ui/words.ts'

export function TicketPage() {
  const { number } = ticketRoute.useParams()
  return <TicketView key={number} number={number} />
}

function TicketView({ number }: { number: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const query = useQuery({ ...ticketQuery(language, number), enabled: begun })
  if (query.data === undefined) {
    const missing = query.error instanceof Failure && (query.error.status === 404 || query.error.code === 'invalid')
    return (
      <Detail title={number} list="/tickets" query={query}>
        <Title>{number}</Title>
        {missing ? (
          <p className="empty">{t('tickets.page.notFound')}</p>
        ) : query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={8} />
        )}
      </Detail>
    )
  }
  const ticket = query.data
  return (
    <Detail title={number} list="/tickets" query={query}>
      <header className="detail-head">
        <p className="row-head">
          <SeverityMark severity={ticket.severity} />
          <span className="badge">{t(`tickets.status.${ticket.status}`)}</span>
          <span className="badge">{ticket.family_name}</span>
          <span className="number big">{ticket.number}</span>
          <CopyNumber number={ticket.number} />
        </p>
        <Title>{ticket.title.text}</Title>
        <p className="muted">
          <Link to="/devices/$id" params={{ id: ticket.device.id }}>
            {ticket.device.name}
          </Link>{' '}
          · {place(ticket)}
        </p>
      </header>
      <Gist ticket={ticket} />
      <Reports reports={ticket.reports} />
      <Times ticket={ticket} />
      <Zone />
      <Actions ticket={ticket} />
      <section aria-labelledby="evidence">
        <h3 id="evidence">{t('tickets.page.evidence')}</h3>
        <Evidence key={ticket.number} ticket={ticket} />
      </section>
      <div className="columns">
        <Causes ticket={ticket} />
        <Parts parts={ticket.parts} />
      </div>
      <Repairs repairs={ticket.repairs} />
      <Helped family={ticket.family} device={ticket.device} />
      <Diagnoses ticket={ticket} />
      <Sessions sessions={ticket.sessions} />
      <TicketAlerts alerts={ticket.alerts} />
      <History ticket={ticket} />
    </Detail>
  )
}

function CopyNumber({ number }: { number: string }) {
  const { t } = useTranslation()
  // Missing where there is no TLS; the number is selectable all the same.
  if (navigator.clipboard === undefined) return null
  const copy = () =>
    void navigator.clipboard.writeText(number).then(
      () => say(t('tickets.page.copied')),
      () => undefined,
    )
  return (
    <button type="button" className="button quiet" aria-label={t('tickets.page.copyNumber')} onClick={copy}>
      {t('tickets.page.copy')}
    </button>
  )
}

/** What can't be done meanwhile, and what to do: the two sentences that count at night. */
function Gist({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  if (!ticket.stops && !ticket.advice) return null
  return (
    <dl className="gist">
      {ticket.stops ? (
        <div className={`gist-stops edge-${ticket.severity}`}>
          <dt>{t('tickets.page.stops')}</dt>
          <dd>{ticket.stops}</dd>
        </div>
      ) : null}
      {ticket.advice ? (
        <div>
          <dt>{t('tickets.page.advice')}</dt>
          <dd>{ticket.advice}</dd>
        </div>
      ) : null}
    </dl>
  )
}

/** The page's zone in words, beside times that somebody may read out. */
function Zone() {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  return (
    <p className="muted zone">
      {t('ui.zone', { zone: zoneName(now, language) })}
      {/* Times of today have no date: on paper tomorrow they would be nobody's. */}
      <span className="paper-only"> · {t('tickets.page.asOf', { time: whole(now, language) })}</span>
    </p>
  )
}

function Times({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const sites = useQuery(sitesQuery)
  const zone = sites.data?.find((site) => site.id === ticket.site.id)?.time_zone
  const times = [
    ['occurred', ticket.occurred_at],
    ['reported', ticket.reported_at],
    ['detected', ticket.detected_at],
    ['opened', ticket.opened_at],
    ['arrived', ticket.arrived_at],
    ['closed', ticket.closed_at],
  ] as const
  return (
    <dl className="times">
      {ticket.status === 'closed' ? null : (
        <div>
          <dt>{t('tickets.page.holder')}</dt>
          <dd>
            <bdi>{ticket.holder === '' ? t('tickets.page.nobody') : ticket.holder}</bdi>
          </dd>
        </div>
      )}
      {times.map(([name, at]) =>
        at === null ? null : (
          <div key={name}>
            <dt>{t(`tickets.page.${name}`)}</dt>
            <dd>
              <Moment at={at} />{' '}
              <span className="muted">
                <Age at={at} />
              </span>
              {zone !== undefined && zone !== browserZone() && at === ticket.occurred_at ? (
                <span className="muted site-time">
                  {t('tickets.page.siteTime', { time: whole(Date.parse(at), language, zone) })}
                </span>
              ) : null}
            </dd>
          </div>
        ),
      )}
    </dl>
  )
}

function Causes({ ticket }: { ticket: TicketDetail }) {
  const { t } = useTranslation()
  if (ticket.causes.length === 0) return null
  return (
    <section aria-labelledby="causes">
      <h3 id="causes">{t('tickets.page.causes')}</h3>
      <ol className="causes">
        {ticket.causes.map((cause) => (
          <li key={cause}>{cause}</li>
        ))}
      </ol>
    </section>
  )
}

function Parts({ parts }: { parts: TicketDetail['parts'] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <section aria-labelledby="parts">
      <h3 id="parts">{t('tickets.page.parts')}</h3>
      {parts.length === 0 ? <p className="muted">{t('tickets.page.noParts')}</p> : null}
      <ul className="parts">
        {parts.map((part) => (
          <li key={part.key}>
            <span className="part-name">
              {part.name}
              {part.quantity === 1 ? '' : ` × ${part.quantity}`}
            </span>
            <span className="muted">{part.spec}</span>
            <span className="likely" title={t('tickets.page.probability')}>
              <meter min={0} max={1} value={part.probability} aria-label={t('tickets.page.probability')} />{' '}
              {percent(part.probability, language)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
