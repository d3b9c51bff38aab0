/** What the page says of its own data: always in the bar, and over everything when it can't be believed. */

import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { FeedView } from '../feed/machine.ts'
import { serverNow } from '../feed/server-time.ts'
import { Clock, useDuration, useLanguage, useNow } from '../ui/bits.tsx'
import { useLive, usePage } from '../ui/context.tsx'
import { moment } from '../words/format.ts'
import '../feed/words.ts'
import '../ui/words.ts'

function Dot({ view }: { view: FeedView }) {
  const open = view === 'live'
  const dead = view === 'silent' || view === 'signed-out' || view === 'blind'
  return (
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true" className="dot">
      {open ? <circle cx="8" cy="8" r="5" fill="currentColor" /> : null}
      {dead ? <path d="m3 3 10 10M13 3 3 13" stroke="currentColor" strokeWidth="3" strokeLinecap="round" /> : null}
      {open || dead ? null : (
        <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="4 3" />
      )}
    </svg>
  )
}

/** The state of the feed and the age of all that is shown, to the second. */
function FeedChip() {
  const { t } = useTranslation()
  const { live } = usePage()
  const { view } = useLive()
  const duration = useDuration()
  useNow() // draws it anew every second
  const age = live.age()
  return (
    <span className={`feed feed-${view}`} data-feed={view} role="status" aria-live="off">
      <Dot view={view} />
      <b>{t(`feed.${view}`)}</b>
      <span className="feed-age">
        {age === null ? (
          t('feed.never')
        ) : (
          <>
            <span className="wide-only">
              {t('feed.asOf', { time: '' })}
              <Clock at={serverNow() - age} />
              {' · '}
            </span>
            {age < 1_000 ? t('ui.age.now') : t('ui.age.ago', { age: duration(age) })}
          </>
        )}
      </span>
    </span>
  )
}

/**
 * In the bar: how the feed is, and `children`; or, whenever the page doesn't show the present, that and nothing else.
 * It takes the same room either way: nothing below may move under a cursor because the network broke.
 */
export function FeedState({ children }: { children: ReactNode }) {
  const { t } = useTranslation()
  const { live } = usePage()
  const { view, goodAt, silentSince, reason } = useLive()
  const language = useLanguage()
  const duration = useDuration()
  const now = useNow()
  const time = goodAt === null ? '' : moment(goodAt, now, language)
  if (view === 'silent' && silentSince !== null) {
    const age = duration(Math.max(now - silentSince, 0))
    return (
      <Banner
        view={view}
        title={t(goodAt === null ? 'feed.silentNever' : 'feed.silentTitle', { age })}
        tool={
          <button type="button" className="button" onClick={live.poke}>
            {t('feed.retry')}
          </button>
        }
      >
        {goodAt === null ? t('feed.silentEmpty') : t('feed.silentText', { time })}
      </Banner>
    )
  }
  if (view === 'blind') {
    return (
      <Banner view={view} title={t('feed.blindTitle')}>
        {reason} {t('feed.blindText')}
      </Banner>
    )
  }
  if (view === 'catching-up') {
    return (
      <Banner view={view} title={t('feed.catchingTitle')}>
        {t('feed.catchingText')}
      </Banner>
    )
  }
  return (
    <>
      <FeedChip />
      {children}
    </>
  )
}

function Banner(props: { view: FeedView; title: string; tool?: ReactNode; children: ReactNode }) {
  return (
    <div className={`banner banner-${props.view}`} role="alert">
      <div>
        <strong>
          <Dot view={props.view} /> {props.title}
        </strong>
        <p>{props.children}</p>
      </div>
      {props.tool}
    </div>
  )
}
