import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { alertsQuery, devicesQuery, tellingQuery, ticketsQuery } from '../api/queries.ts'
import { zoneName } from '../words/format.ts'
import { Alerts } from './alerts.tsx'
import { Clock, useDuration, useLanguage, useNow } from './bits.tsx'
import { useActs, useLive, useMayAct, usePage } from './context.tsx'
import { DeviceView } from './device.tsx'
import { Devices, summary } from './devices.tsx'
import { FeedState } from './feed.tsx'
import { Help } from './help.tsx'
import { useKeys } from './keys.ts'
import { href, type Route, useRoute } from './route.ts'
import { Brand, LanguageSwitch, useSignOut } from './session.tsx'
import { TicketView } from './ticket.tsx'
import { Tickets } from './tickets.tsx'
import { Toasts } from './toasts.tsx'

/** The one live page. */
export function Shell({ onPassword }: { onPassword: () => void }) {
  const { t } = useTranslation()
  const route = useRoute()
  const { stale, view } = useLive()
  const [help, setHelp] = useState(false)
  useKeys({ '?': () => setHelp(true) })
  useTitle()
  useLeaving()
  return (
    <div className={`page at-${route.at}`} data-stale={stale} data-feed={view}>
      <button type="button" className="skip" onClick={() => document.getElementById('detail')?.focus()}>
        {t('app.skip')}
      </button>
      <div>
        <Bar onHelp={() => setHelp(true)} onPassword={onPassword} />
        <Untold />
      </div>
      <div className="work">
        <Devices route={route} />
        <div className="queue">
          <Alerts />
          <Tickets route={route} />
        </div>
        <Chosen route={route} />
      </div>
      <Tabs route={route} />
      <Toasts />
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  )
}

function Chosen({ route }: { route: Route }) {
  const { t } = useTranslation()
  if (route.at === 'ticket') return <TicketView key={route.number} number={route.number} />
  if (route.at === 'device') return <DeviceView key={route.id} id={route.id} metric={route.metric} />
  return (
    <main className="detail nothing" id="detail" tabIndex={-1}>
      <p className="empty">{t('ticket.choose')}</p>
    </main>
  )
}

function Bar({ onHelp, onPassword }: { onHelp: () => void; onPassword: () => void }) {
  const { t } = useTranslation()
  const { who } = usePage()
  const { updated } = useLive()
  const language = useLanguage()
  const signOut = useSignOut()
  const now = useNow()
  return (
    <header className="bar">
      <Brand />
      <FeedState>
        <Summary />
      </FeedState>
      <span className="space" />
      {updated ? (
        <button type="button" className="button" onClick={() => location.reload()}>
          {t('bar.reload')}
        </button>
      ) : null}
      <span className="clock" title={t('bar.zone', { zone: zoneName(now, language) })}>
        <Clock at={now} /> <span className="muted wide-only">{zoneName(now, language)}</span>
      </span>
      <LanguageSwitch />
      <button type="button" className="button quiet" title={t('bar.help')} aria-label={t('bar.help')} onClick={onHelp}>
        ?
      </button>
      <button type="button" className="button quiet wide-only" title={t('password.change')} onClick={onPassword}>
        {t('bar.user', { user: who.user, role: t(`role.${who.role}`) })}
      </button>
      <button type="button" className="button quiet" onClick={() => signOut.mutate()}>
        {t('bar.logout')}
      </button>
    </header>
  )
}

/** Nobody is told of tickets, or not in time: said as long as it is so, to those who can mend it or call somebody. */
function Untold() {
  const { t } = useTranslation()
  const duration = useDuration()
  const { begun } = useLive()
  const staff = useMayAct()
  const { data } = useQuery({ ...tellingQuery, enabled: begun && staff })
  if (data === undefined) return null
  const lines: string[] = []
  for (const why of ['no-recipient', 'failing'] as const) {
    const of = data.untold.filter((each) => each.why === why)
    const first = of[0]?.hospital.name
    const many = of.length > 1 ? 'many' : 'one'
    if (first !== undefined) lines.push(t(`untold.${why}.${many}`, { hospitals: of.length, first }))
  }
  if (data.overdue_s !== null) lines.push(t('untold.overdue', { age: duration(data.overdue_s * 1_000) }))
  if (lines.length === 0) return null
  return (
    <p className="untold" role="status">
      <b>{t('untold.title')}</b> {lines.join(' ')}
    </p>
  )
}

/** How many devices are well, ill, or unknown; none of that while the feed is dead. */
function Summary() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun, stale } = useLive()
  const { data } = useQuery({ ...devicesQuery(language), enabled: begun })
  if (data === undefined) return null
  const count = { well: 0, ill: 0, unknown: 0 }
  for (const device of data.items) count[stale ? 'unknown' : summary(device)] += 1
  return (
    <ul className="summary" aria-label={t('bar.summary')}>
      {(['ill', 'unknown', 'well'] as const).map((how) => (
        <li key={how} className={`summary-${how}`} data-none={count[how] === 0}>
          <b>{count[how]}</b> {t(`bar.${how}`)}
        </li>
      ))}
    </ul>
  )
}

/** The tab's title tells what waits, and when the page itself is deaf. */
function useTitle() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun, stale } = useLive()
  const alerts = useQuery({ ...alertsQuery(language, 'open'), enabled: begun })
  const waiting = (alerts.data?.items ?? []).filter((alert) => alert.operator.state === 'unacknowledged').length
  useEffect(() => {
    const sign = stale ? '✕ ' : waiting > 0 ? `(${waiting}) ` : ''
    document.title = `${sign}${stale ? `${t('feed.silent')} · ` : ''}${t('app.name')}`
  }, [stale, waiting, t])
}

/** Whoever closes the tab while something is not sent is asked. */
function useLeaving() {
  const pending = useActs().some((act) => act.state !== 'conflict' && act.state !== 'refused')
  useEffect(() => {
    if (!pending) return undefined
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [pending])
}

function Tabs({ route }: { route: Route }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const alerts = useQuery({ ...alertsQuery(language, 'open'), enabled: begun })
  const tickets = useQuery({ ...ticketsQuery(language, 'open'), enabled: begun })
  const counts = { tickets: tickets.data?.items.length ?? 0, alerts: alerts.data?.items.length ?? 0, devices: 0 }
  return (
    <nav className="tabs" aria-label={t('nav.label')}>
      {(['tickets', 'alerts', 'devices'] as const).map((at) => (
        <a key={at} href={href({ at })} aria-current={route.at === at ? 'page' : undefined}>
          {t(`nav.${at}`)}
          {counts[at] > 0 ? <span className="count">{counts[at]}</span> : null}
        </a>
      ))}
    </nav>
  )
}
