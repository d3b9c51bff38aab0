/** What the homes share: figures that lead to what they count, and groups. */

import { Link, type LinkProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api/client.ts'
import { Age, SeverityMark } from '../ui/bits.tsx'
import styles from './home.module.css'
import './words.ts'

export interface Figure extends LinkProps {
  readonly name: string
  readonly count: number
}

/** Each leads to the list that it counts. */
export function Figures({ label, of }: { label: string; of: readonly Figure[] }) {
  return (
    <ul className={styles.figures} aria-label={label}>
      {of.map(({ name, count, ...link }) => (
        <li key={name}>
          <Link {...link} className={count === 0 ? styles.none : undefined}>
            <b className="number">{count}</b> <span>{name}</span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

type Group = Schemas['Group']

/** Groups of tickets or alerts, the one with the oldest first. */
export function Groups(props: {
  id: string
  title: string
  groups: readonly Group[]
  more: number
  name?: (group: Group) => string
  link: (group: Group) => LinkProps
}) {
  const { t } = useTranslation()
  const groups = [...props.groups].sort((one, other) => Date.parse(one.oldest) - Date.parse(other.oldest))
  return (
    <div className={styles.group}>
      <h3 id={props.id}>{props.title}</h3>
      <table className={styles.table} aria-labelledby={props.id}>
        <thead>
          <tr>
            <th scope="col">{t('home.what')}</th>
            <th scope="col" className={styles.number}>
              {t('home.count')}
            </th>
            <th scope="col" className={styles.age}>
              {t('home.oldest')}
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.key} data-key={group.key}>
              <td>
                <SeverityMark severity={group.worst} word={false} />{' '}
                <Link {...props.link(group)}>
                  {group.place === '' ? null : (
                    <>
                      <bdi>{group.place}</bdi> ·{' '}
                    </>
                  )}
                  <bdi>{props.name?.(group) ?? group.name}</bdi>
                </Link>
              </td>
              <td className={styles.number}>{group.count}</td>
              <td>
                <Age at={group.oldest} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.more === 0 ? null : <p className="muted">{t('home.more', { count: props.more })}</p>}
    </div>
  )
}
