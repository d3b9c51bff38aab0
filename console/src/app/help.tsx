import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useWho } from '../people/who.tsx'
import { CHART_KEYS, KEYS, meant, ROW_KEYS, setKeys, useKeysOn } from '../ui/keys.ts'
import './words.ts'
import '../ui/words.ts'

const TABLES = { page: KEYS, row: ROW_KEYS, chart: CHART_KEYS } as const

/** As they stand on a keyboard. */
const SIGNS: Readonly<Record<string, string>> = {
  ' ': 'Space',
  Escape: 'Esc',
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
}

type Does = { [Where in keyof typeof TABLES]: keyof (typeof TABLES)[Where] }[keyof typeof TABLES]

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const dialog = useRef<HTMLDialogElement>(null)
  const on = useKeysOn()
  const who = useWho()
  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal()
    if (!open) dialog.current?.close()
  }, [open])
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      onKeyDown={(event) => (meant(KEYS, event.key) === 'help' ? onClose() : undefined)}
      aria-labelledby="help-title"
    >
      <h2 id="help-title">{t('app.help.title')}</h2>
      <p className="muted">{who}</p>
      <h3>{t('app.help.keys')}</h3>
      {Object.entries(TABLES).map(([where, table]) => (
        <section key={where} aria-labelledby={`keys-${where}`}>
          <h4 id={`keys-${where}`}>{t(`app.help.where.${where as keyof typeof TABLES}`)}</h4>
          <dl className="keys">
            {Object.entries<readonly string[]>(table).map(([what, keys]) => (
              <div key={what}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{SIGNS[key] ?? key}</kbd>
                  ))}
                </dt>
                <dd>{t(`app.help.does.${what as Does}`)}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <label className="tick">
        <input type="checkbox" checked={on} onChange={(event) => setKeys(event.target.checked)} />
        {t('app.help.on')}
      </label>
      <h3>{t('app.help.reading')}</h3>
      <ul>
        <li>{t('app.help.grey')}</li>
        <li>{t('app.help.facts')}</li>
        <li>{t('app.help.feed')}</li>
        <li>{t('app.help.still')}</li>
      </ul>
      <button type="button" className="button primary" onClick={onClose}>
        {t('ui.close')}
      </button>
    </dialog>
  )
}
