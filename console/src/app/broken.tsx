/** What stands in a page's place when it can't be shown. */

import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { type ReactNode, useContext, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { over } from '../first/handed.ts'
import { Skeleton } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Beside, Main } from '../ui/main.tsx'
import { Forbidden } from './guard.ts'
import './words.ts'
import '../people/words.ts'
import '../ui/words.ts'

/** A part of the page that can't be fetched: the server is gone, or the platform was updated and has another part now. */
const UNFETCHED = /dynamically imported module|module script|preload/i

export function Broken({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const { who } = usePage()
  if (error instanceof Forbidden)
    return (
      <Plain title={t('app.forbidden.title')}>
        <p>{t('app.forbidden.text', { role: t(`people.role.${who.role}`) })}</p>
        <Home />
      </Plain>
    )
  if (error instanceof Error && UNFETCHED.test(error.message))
    return (
      <Plain title={t('app.unfetched.title')}>
        <p>{t('app.unfetched.text')}</p>
        <p className="buttons">
          <button
            type="button"
            className="button"
            onClick={() => {
              reset()
              void router.invalidate()
            }}
          >
            {t('ui.panel.retry')}
          </button>
          <button type="button" className="button primary" onClick={() => location.reload()}>
            {t('app.broken.reload')}
          </button>
        </p>
      </Plain>
    )
  return (
    <Plain title={t('app.broken.title')}>
      <p>{t('app.broken.text')}</p>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        {t('app.broken.reload')}
      </button>
    </Plain>
  )
}

export function Unknown() {
  const { t } = useTranslation()
  return (
    <Plain title={t('app.unknown.title')}>
      <p>{t('app.unknown.text')}</p>
      <Home />
    </Plain>
  )
}

function Home() {
  const { t } = useTranslation()
  return (
    <p>
      <Link to="/" className="button">
        {t('app.unknown.home')}
      </Link>
    </p>
  )
}

function Plain({ title, children }: { title: string; children: ReactNode }) {
  useEffect(over, [])
  return (
    <Main title={title}>
      <div className="plain" role="alert">
        <h1>{title}</h1>
        {children}
      </div>
    </Main>
  )
}

/** While a page's code is on its way. */
export function Pending() {
  const { t } = useTranslation()
  if (useContext(Beside)) return <Skeleton rows={8} />
  return (
    <Main title={t('ui.loading')}>
      <h1 className="unseen">{t('ui.loading')}</h1>
      <Skeleton rows={8} />
    </Main>
  )
}
