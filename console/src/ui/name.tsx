/** Names that people gave: in any script, of any length, alike. Each is a world of its own: it turns nothing beside it. */

import styles from './name.module.css'

/** In one line, cut where there is no more room; whole in its title. */
export function Name({ of, title }: { of: string; title?: string }) {
  return (
    <bdi className={styles.name} title={title ?? of}>
      {of}
    </bdi>
  )
}

interface Placed {
  readonly hospital: { readonly name: string }
  readonly site: { readonly name: string }
}

export function Place({ of }: { of: Placed }) {
  return (
    <>
      <bdi>{of.hospital.name}</bdi> · <bdi>{of.site.name}</bdi>
    </>
  )
}

/** The same for where only text fits: a title, a heading, a key (Unicode 9.0, 23.2: FSI and PDI). */
export const isolated = (name: string): string => `\u2068${name}\u2069`

export const placeOf = (of: Placed): string => `${isolated(of.hospital.name)} · ${isolated(of.site.name)}`
