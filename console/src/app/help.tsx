import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useWho } from '../people/who.tsx'
import { setKeys, useKeysOn } from '../ui/keys.ts'
import './words.ts'
import '../ui/words.ts'

const KEYS = [
  ['j', 'next'],
  ['k', 'previous'],
  ['Enter', 'open'],
  ['a', 'acknowledge'],
  ['u', 'undo'],
  ['n', 'fresh'],
  ['?', 'help'],
  ['Esc', 'escape'],
] as const

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
      onKeyDown={(event) => (event.key === '?' ? onClose() : undefined)}
      aria-labelledby="help-title"
    >
      <h2 id="help-title">{t('app.help.title')}</h2>
      <p className="muted">{who}</p>
      <h3>{t('app.help.keys')}</h3>
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`app.help.${what}`)}</dd>
          </div>
        ))}
      </dl>
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
