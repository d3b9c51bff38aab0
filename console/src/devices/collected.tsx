/** What is collected of a device: all that its agent may send, what of it came, how often, and how long ago. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { DeviceDetail, Schemas } from '../api/client.ts'
import { Age, Failed, SeverityMark, Skeleton, useDuration, useLanguage } from '../ui/bits.tsx'
import styles from './page.module.css'
import { collectedQuery } from './queries.ts'
import './words.ts'

type Signal = Schemas['CollectedSignal']

/** A signal this many times its cadence old is late: as many beats as make a device late. */
const BEATS = 3

/** Values that came, each with its cadence; the chosen one's chart is shown above. */
export function Signals({ device, metric }: { device: DeviceDetail; metric: string | null }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const collected = useQuery(collectedQuery(language, device.id))
  if (device.latest.length === 0) return <p className="empty">{t('devices.page.noSignals')}</p>
  const known = new Map(collected.data?.signals.map((signal) => [signal.metric, signal]))
  return (
    <section aria-labelledby="signals">
      <h3 id="signals">{t('devices.page.signals')}</h3>
      <table className="signals">
        <thead>
          <tr>
            <th scope="col">{t('devices.page.signal')}</th>
            <th scope="col" className="figure">
              {t('devices.page.value')}
            </th>
            <th scope="col" className="figure wide-only">
              {t('devices.page.cadence')}
            </th>
            <th scope="col" className="figure">
              {t('devices.page.age')}
            </th>
          </tr>
        </thead>
        <tbody>
          {device.latest.map((value) => {
            const signal = known.get(value.metric)
            return (
              <tr key={`${value.metric} ${value.unit}`} data-current={value.metric === metric}>
                <th scope="row">
                  <Link
                    from="/devices/$id"
                    to="/devices/$id"
                    params={{ id: device.id }}
                    search={(search) => ({ ...search, signal: value.metric })}
                    title={t('devices.page.chart')}
                  >
                    {value.name}
                  </Link>
                </th>
                <td className="figure value">
                  {value.text}
                  {value.quality === 'good' ? null : (
                    <span className="badge">{t(`devices.page.quality.${value.quality}`)}</span>
                  )}
                </td>
                <td className="figure muted wide-only">{signal === undefined ? '–' : <Cadence of={signal} />}</td>
                <td className={`figure ${signal !== undefined && late(signal) ? styles.late : 'muted'}`}>
                  <Age at={value.at} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

const late = ({ every_s, age_s }: Signal): boolean => every_s !== null && age_s !== null && age_s > BEATS * every_s

function Cadence({ of }: { of: Signal }) {
  const { t } = useTranslation()
  const duration = useDuration()
  return (
    <>
      {of.every_s === null
        ? t('devices.collected.exposure')
        : t('devices.collected.every', { time: duration(of.every_s * 1_000) })}
    </>
  )
}

/** The allow-list, for who wants to know what leaves the equipment. */
export function CollectedList({ id }: { id: string }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <section aria-labelledby="collected">
      <details className={styles.fold} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <h3 id="collected">{t('devices.collected.title')}</h3>
        </summary>
        {open ? <Lists id={id} /> : null}
      </details>
    </section>
  )
}

function Lists({ id }: { id: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const query = useQuery(collectedQuery(language, id))
  if (query.data === undefined)
    return query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : <Skeleton rows={6} />
  const { signals, codes, states, inventory } = query.data
  const came = <Item extends { readonly at: string | null }>(items: readonly Item[]) =>
    items.filter(({ at }) => at !== null).length
  return (
    <>
      <p className="muted">{t('devices.collected.lead')}</p>
      <Part title={t('devices.collected.signals', { count: signals.length, came: came(signals) })}>
        <table className="signals">
          <tbody>
            {signals.map((signal) => (
              <tr key={signal.metric}>
                <th scope="row">
                  {signal.name} <span className="muted">{signal.symbol}</span>
                </th>
                <td className="muted">{signal.source}</td>
                <td className="figure muted">
                  <Cadence of={signal} />
                </td>
                <td className={`figure ${signal.at === null ? styles.never : ''}`}>
                  {signal.at === null ? t('devices.collected.never') : <Age at={signal.at} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      <Part title={t('devices.collected.codes', { count: codes.length, came: came(codes) })}>
        <table className="signals">
          <tbody>
            {codes.map((code) => (
              <tr key={code.code}>
                <th scope="row">
                  <code>{code.code}</code> {code.name}
                </th>
                <td>
                  <SeverityMark severity={code.severity} />
                </td>
                <td className={`figure ${code.at === null ? styles.never : ''}`}>
                  {code.at === null ? (
                    t('devices.collected.never')
                  ) : (
                    <>
                      {t('devices.collected.times', { count: code.times })} · <Age at={code.at} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      <Part title={t('devices.collected.states', { count: states.length })}>
        <dl className={styles.words}>
          {states.map(({ name, values }) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{values.join(' · ')}</dd>
            </div>
          ))}
        </dl>
      </Part>
      <Part title={t('devices.collected.inventory', { count: inventory.length })}>
        <dl className={styles.words}>
          {inventory.map(({ name, value }) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{value === null ? t('devices.collected.never') : <bdi>{value}</bdi>}</dd>
            </div>
          ))}
        </dl>
      </Part>
      <p className="muted">{t('devices.collected.own')}</p>
    </>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className={styles.fold}>
      <summary>{title}</summary>
      {children}
    </details>
  )
}
