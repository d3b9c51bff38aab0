/** A manager's home: what is open, how old, whose, where. Each figure leads to the list that it counts. */

import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { countQuery as alertsCounted } from '../alerts/queries.ts'
import { countQuery as devicesCounted } from '../devices/queries.ts'
import { HOWS } from '../devices/summary.ts'
import { AGES } from '../tickets/kind.ts'
import { countQuery as ticketsCounted } from '../tickets/queries.ts'
import { Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { Main, Title } from '../ui/main.tsx'
import { SEVERITIES } from '../ui/severity.ts'
import styles from './home.module.css'
import { Figures, Groups } from './parts.tsx'
import '../devices/words.ts'
import '../tickets/words.ts'
import '../ui/words.ts'
import './words.ts'

const OPEN = { state: 'open' } as const

export function OverviewPage() {
  const { t } = useTranslation()
  return (
    <Main title={t('home.overview')}>
      <div className={styles.home}>
        <Title>{t('home.overview')}</Title>
        <Tickets />
        <Alerts />
        <Devices />
      </div>
    </Main>
  )
}

/** What was counted, or why it isn't there. */
function Counted<T extends { total: number }>(props: {
  id: string
  title: string
  query: UseQueryResult<T>
  empty: ReactNode
  children: (counted: T) => ReactNode
}) {
  const { data, error, isError, refetch } = props.query
  let shown: ReactNode
  if (data === undefined)
    shown = isError ? <Failed error={error} onRetry={() => void refetch()} /> : <Skeleton rows={3} />
  else shown = data.total === 0 ? <p className="empty">{props.empty}</p> : props.children(data)
  return (
    <section aria-labelledby={props.id}>
      <h2 id={props.id}>{props.title}</h2>
      {shown}
    </section>
  )
}

function Tickets() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun: enabled } = useLive()
  const bySite = useQuery({ ...ticketsCounted(language, OPEN, 'site'), enabled })
  const byModel = useQuery({ ...ticketsCounted(language, OPEN, 'model'), enabled })
  const byHolder = useQuery({ ...ticketsCounted(language, OPEN, 'holder'), enabled })
  return (
    <Counted id="tickets" title={t('home.tickets')} query={bySite} empty={t('home.noTickets')}>
      {({ total, severity, age, groups, more }) => (
        <>
          <Figures
            label={t('home.tickets')}
            of={[
              { name: t('home.all'), count: total, to: '/tickets' },
              ...SEVERITIES.map((one) => ({
                name: t(`ui.severity.${one}`),
                count: severity[one],
                to: '/tickets' as const,
                search: { severity: [one] },
              })),
            ]}
          />
          <h3>{t('home.age')}</h3>
          <Figures
            label={t('home.age')}
            of={[...AGES].reverse().map((one) => ({
              name: t(`tickets.age.${one}`),
              count: age[one],
              to: '/tickets' as const,
              search: { age: [one] },
            }))}
          />
          <div className={styles.columns}>
            <Groups
              id="by-site"
              title={t('home.site')}
              groups={groups}
              more={more}
              link={({ key }) => ({ to: '/tickets', search: { site: Number(key) } })}
            />
            {byHolder.data === undefined ? null : (
              <Groups
                id="by-holder"
                title={t('home.who')}
                groups={byHolder.data.groups}
                more={byHolder.data.more}
                name={({ key, name }) => (key === 'none' ? t('home.nobody') : name)}
                link={({ key }) => ({ to: '/tickets', search: { holder: key } })}
              />
            )}
            {byModel.data === undefined ? null : (
              <Groups
                id="by-model"
                title={t('home.model')}
                groups={byModel.data.groups}
                more={byModel.data.more}
                link={({ key }) => ({ to: '/tickets', search: { model: key } })}
              />
            )}
          </div>
        </>
      )}
    </Counted>
  )
}

function Alerts() {
  const { t } = useTranslation()
  const { begun: enabled } = useLive()
  const query = useQuery({ ...alertsCounted(useLanguage(), OPEN, 'site'), enabled })
  return (
    <Counted id="alerts" title={t('home.alerts')} query={query} empty={t('home.noAlerts')}>
      {({ total, severity, groups, more }) => (
        <>
          <Figures
            label={t('home.alerts')}
            of={[
              { name: t('home.all'), count: total, to: '/alerts' },
              ...SEVERITIES.map((one) => ({
                name: t(`ui.severity.${one}`),
                count: severity[one],
                to: '/alerts' as const,
                search: { severity: [one] },
              })),
            ]}
          />
          <Groups
            id="alerts-by-site"
            title={t('home.site')}
            groups={groups}
            more={more}
            link={({ key }) => ({ to: '/alerts', search: { site: Number(key) } })}
          />
        </>
      )}
    </Counted>
  )
}

function Devices() {
  const { t } = useTranslation()
  const may = useMay('devices.manage')
  const { begun: enabled } = useLive()
  const query = useQuery({ ...devicesCounted(useLanguage(), {}), enabled })
  return (
    <Counted
      id="devices"
      title={t('home.devices')}
      query={query}
      empty={
        <>
          {t('home.noDevices')} {may ? <Link to="/devices/new">{t('home.addDevice')}</Link> : null}
        </>
      }
    >
      {({ total, how }) => (
        <Figures
          label={t('home.devices')}
          of={[
            { name: t('home.all'), count: total, to: '/devices' },
            ...HOWS.map((one) => ({
              name: t(`devices.how.${one}`),
              count: how[one],
              to: '/devices' as const,
              search: { how: [one] },
            })),
          ]}
        />
      )}
    </Counted>
  )
}
