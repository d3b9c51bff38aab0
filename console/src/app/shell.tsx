import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Alerts } from '../alerts/list.tsx'
import { alertsQuery } from '../alerts/queries.ts'
import { useSignOut } from '../api/session.ts'
import { Untold } from '../desk/untold.tsx'
import { Glance } from '../devices/glance.tsx'
import { Devices } from '../devices/list.tsx'
import { Who } from '../people/who.tsx'
import { Tickets } from '../tickets/list.tsx'
import { ticketsQuery } from '../tickets/queries.ts'
import { Clock, useLanguage, useNow } from '../ui/bits.tsx'
import { Brand, LanguageSwitch } from '../ui/brand.tsx'
import { useActs, useLive } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { href, LISTS, type Route, useRoute } from '../ui/route.ts'
import { Toasts } from '../ui/toasts.tsx'
import { zoneName } from '../words/format.ts'
import { FeedState } from './feed.tsx'
import { Help } from './help.tsx'
import { DRAWN } from './pages.tsx'
import './app.css'

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
    <div className={`page at-${'id' in route ? 'detail' : route.at}`} data-stale={stale} data-feed={view}>
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
  if ('id' in route) {
    const Drawn = DRAWN[route.at]
    return <Drawn key={route.id} id={route.id} part={route.part ?? null} />
  }
  return (
    <main className="detail nothing" id="detail" tabIndex={-1}>
      <p className="empty">{t('app.choose')}</p>
    </main>
  )
}

function Bar({ onHelp, onPassword }: { onHelp: () => void; onPassword: () => void }) {
  const { t } = useTranslation()
  const { updated } = useLive()
  const language = useLanguage()
  const signOut = useSignOut()
  const now = useNow()
  return (
    <header className="bar">
      <Brand />
      <FeedState>
        <Glance />
      </FeedState>
      <span className="space" />
      {updated ? (
        <button type="button" className="button" onClick={() => location.reload()}>
          {t('app.bar.reload')}
        </button>
      ) : null}
      <span className="clock" title={t('ui.zone', { zone: zoneName(now, language) })}>
        <Clock at={now} /> <span className="muted wide-only">{zoneName(now, language)}</span>
      </span>
      <LanguageSwitch />
      <button
        type="button"
        className="button quiet"
        title={t('app.bar.help')}
        aria-label={t('app.bar.help')}
        onClick={onHelp}
      >
        ?
      </button>
      <Who onPassword={onPassword} />
      <button type="button" className="button quiet" onClick={() => signOut.mutate()}>
        {t('app.bar.logout')}
      </button>
    </header>
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
    <nav className="tabs" aria-label={t('app.sections')}>
      {LISTS.map((at) => (
        <a key={at} href={href({ at })} aria-current={route.at === at ? 'page' : undefined}>
          {t(`${at}.title`)}
          {counts[at] > 0 ? <span className="count">{counts[at]}</span> : null}
        </a>
      ))}
    </nav>
  )
}
