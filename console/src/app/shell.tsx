import { Link, Outlet, useLocation, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSignOut } from '../api/session.ts'
import { Untold } from '../desk/untold.tsx'
import { Who } from '../people/who.tsx'
import { Clock, useLanguage, useNow } from '../ui/bits.tsx'
import { Brand, LanguageSwitch } from '../ui/brand.tsx'
import { useActs, useLive, usePage } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { MAIN } from '../ui/main.tsx'
import { useTitleOfPage } from '../ui/title.ts'
import { Toasts } from '../ui/toasts.tsx'
import { zoneName } from '../words/format.ts'
import { FeedState } from './feed.tsx'
import { Help } from './help.tsx'
import { type Section, sections } from './nav.ts'
import { ThemeSwitch } from './theme.tsx'
import './app.css'
import './words.ts'
import '../feed/words.ts'
import '../ui/words.ts'

/** What stands around every page: the bar, the sections, and what was just done. */
export function Shell() {
  const { t } = useTranslation()
  const { stale, view } = useLive()
  const [help, setHelp] = useState(false)
  useKeys({ help: () => setHelp(true) })
  const loading = useRouterState({ select: ({ status }) => status === 'pending' })
  useTabTitle(loading)
  useLeaving()
  return (
    <div className="page" data-stale={stale} data-feed={view}>
      <button type="button" className="skip" onClick={skip}>
        {t('app.skip')}
      </button>
      <div className="top">
        <Bar onHelp={() => setHelp(true)} />
        <Untold />
      </div>
      <Sections />
      <div className="work" aria-busy={loading}>
        <Outlet />
      </div>
      <Toasts />
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  )
}

/** To the list, if there is one, else to the page's own part. */
function skip(): void {
  const main = document.getElementById(MAIN)
  const first = main?.querySelector<HTMLElement>('.go[tabindex="0"]') ?? main
  first?.focus()
}

function Bar({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation()
  const { updated } = useLive()
  const language = useLanguage()
  const signOut = useSignOut()
  const now = useNow()
  return (
    <header className="bar">
      <Brand />
      <FeedState>{null}</FeedState>
      <span className="space" />
      {updated ? (
        <button type="button" className="button" onClick={() => location.reload()}>
          {t('app.bar.reload')}
        </button>
      ) : null}
      <span className="clock" title={t('ui.zone', { zone: zoneName(now, language) })}>
        <Clock at={now} /> <span className="muted wide-only">{zoneName(now, language)}</span>
      </span>
      <ThemeSwitch />
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
      <Who />
      <button type="button" className="button quiet wide-only" onClick={() => signOut.mutate()}>
        {t('app.bar.logout')}
      </button>
    </header>
  )
}

/** A rail on a desk, tabs at the thumb on a phone; what is seldom gone to stands apart. */
function Sections() {
  const { t } = useTranslation()
  const { who, pages } = usePage()
  const { daily, aside } = sections(who, pages)
  const path = useLocation({ select: ({ pathname }) => pathname })
  return (
    <nav className="sections" aria-label={t('app.sections')}>
      {daily.map((section) => (
        <Go key={section.to} section={section} />
      ))}
      {aside.length === 0 ? null : (
        // Closed again by going somewhere.
        <details className="more" key={path}>
          <summary>{t('app.nav.more')}</summary>
          <div>
            {aside.map((section) => (
              <Go key={section.to} section={section} />
            ))}
          </div>
        </details>
      )}
    </nav>
  )
}

function Go({ section }: { section: Section }) {
  const { t } = useTranslation()
  return (
    <Link to={section.to} search={{}} activeOptions={{ includeSearch: false }}>
      {t(`app.nav.${section.name}` as 'app.nav.alerts')}
    </Link>
  )
}

/** The tab's title tells what is shown, and when the page itself is deaf. */
function useTabTitle(loading: boolean) {
  const { t } = useTranslation()
  const { stale } = useLive()
  const shown = useTitleOfPage()
  useEffect(() => {
    if (loading) return
    const parts = [shown, t('app.name')].filter((part) => part !== '')
    document.title = `${stale ? `✕ ${t('feed.silent')} · ` : ''}${parts.join(' · ')}`
  }, [stale, shown, loading, t])
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
