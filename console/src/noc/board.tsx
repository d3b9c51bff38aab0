/** The wall's picture: big, still, and nothing to press. */

import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert, Severity } from '../api/client.ts'
import { HOWS, type How } from '../devices/summary.ts'
import { Age, SeverityMark, useLanguage } from '../ui/bits.tsx'
import { SEVERITIES } from '../ui/severity.ts'
import { number } from '../words/format.ts'
import '../devices/words.ts'
import './words.ts'
import '../ui/words.ts'

/** A site at which something is wrong. `name`: with its hospital's. */
export interface Site {
  readonly key: string
  readonly name: string
  readonly hospital: string
  readonly worst: Severity
  readonly count: number
}

/** What is open. `waiting`: of it, what nobody has taken. */
export interface Open {
  readonly severity: Readonly<Partial<Record<Severity, number>>>
  readonly waiting: number | undefined
}

/** What the wall shows; undefined: not fetched yet. */
export interface Facts {
  readonly alerts: Open | undefined
  readonly tickets: Open | undefined
  readonly devices: Readonly<Record<How, number>> | undefined
  /** The worst first. */
  readonly sites: readonly Site[] | undefined
  /** Sites beyond those. */
  readonly more: number
  /** null: there is none. */
  readonly oldest: Alert | null | undefined
}

/** As many as there is room for, so that nothing has to be scrolled. */
export const MOST_SITES = 9

export function Board({ facts }: { facts: Facts }) {
  const { t } = useTranslation()
  const { devices } = facts
  return (
    <>
      <Opened id="alerts" title={t('noc.wall.alerts')} open={facts.alerts} waiting={t('noc.wall.waiting')} />
      <div className="wall-row">
        <Opened id="tickets" title={t('noc.wall.tickets')} open={facts.tickets} waiting={t('noc.wall.nobody')} />
        <section className="wall-devices" aria-labelledby="wall-devices">
          <h2 id="wall-devices">{t('noc.wall.devices')}</h2>
          <dl className="wall-counts">
            {HOWS.map((how) => (
              <Count key={how} name={t(`devices.how.${how}`)} count={devices?.[how]} look={LOOKS[how]} />
            ))}
          </dl>
        </section>
      </div>
      <Oldest alert={facts.oldest} />
      <Sites sites={facts.sites} more={facts.more} />
    </>
  )
}

/** What is well is calm, however many they are. */
const LOOKS = { ill: 'major', unknown: 'strong', well: undefined } as const

function Opened(props: { id: string; title: string; open: Open | undefined; waiting: string }) {
  const { id, open } = props
  return (
    <section className={`wall-${id}`} aria-labelledby={`wall-${id}`}>
      <h2 id={`wall-${id}`}>{props.title}</h2>
      <dl className="wall-counts">
        {SEVERITIES.map((severity) => (
          <Count
            key={severity}
            name={<SeverityMark severity={severity} />}
            count={open === undefined ? undefined : (open.severity[severity] ?? 0)}
            look={severity}
          />
        ))}
        <Count name={props.waiting} count={open?.waiting} look="strong" />
      </dl>
    </section>
  )
}

/** A figure; what is nought is calm. */
function Count({ name, count, look }: { name: ReactNode; count: number | undefined; look: string | undefined }) {
  const language = useLanguage()
  return (
    <div data-look={count === undefined || count === 0 ? undefined : look}>
      <dt>{name}</dt>
      <dd>{count === undefined ? '…' : number(count, language)}</dd>
    </div>
  )
}

function Oldest({ alert }: { alert: Alert | null | undefined }) {
  const { t } = useTranslation()
  return (
    <section className="wall-oldest" aria-labelledby="wall-oldest" data-look={alert ? 'critical' : undefined}>
      <h2 id="wall-oldest">{t('noc.wall.oldest')}</h2>
      {alert === undefined ? (
        <p>{t('noc.wall.loading')}</p>
      ) : alert === null ? (
        <p>{t('noc.wall.noneOldest')}</p>
      ) : (
        <p>
          <b>
            <Age at={alert.occurred_at} />
          </b>{' '}
          <bdi>{alert.device.name}</bdi> · <span>{alert.title.text}</span>{' '}
          <span className="muted">
            <bdi>{alert.hospital.name}</bdi> · <bdi>{alert.site.name}</bdi>
          </span>
        </p>
      )}
    </section>
  )
}

function Sites({ sites, more }: { sites: readonly Site[] | undefined; more: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (sites === undefined) return <p>{t('noc.wall.loading')}</p>
  const shown = sites.slice(0, MOST_SITES)
  const all = sites.length + more
  return (
    <section className="wall-sites" aria-labelledby="wall-sites">
      <h2 id="wall-sites">
        {all === 0 ? t('noc.wall.none') : t('noc.wall.sites', { count: all })}
        {all > shown.length ? ` · ${t('noc.wall.more', { count: all - shown.length })}` : ''}
      </h2>
      <ul>
        {shown.map((site) => (
          <li key={site.key} className={`edge-${site.worst}`}>
            <SeverityMark severity={site.worst} word={false} />
            <span className="wall-site">
              <bdi>{site.hospital}</bdi>
              <bdi className="muted">{site.name}</bdi>
            </span>
            <b>{number(site.count, language)}</b>
          </li>
        ))}
      </ul>
    </section>
  )
}
