import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import './admin.css'
import './words.ts'

/** What is shown once: a password of our making, a token. It says so, and copies itself. */
export function Secret(props: { title: string; value: string; note: string; onClose: () => void }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState<boolean | null>(null)
  const text = useRef<HTMLInputElement>(null)
  useEffect(() => text.current?.focus(), [])
  const copy = async () => setCopied(await copyText(props.value, text.current))
  return (
    <section className="secret" role="status" aria-label={props.title}>
      <h3>{props.title}</h3>
      <p className="secret-value">
        <input
          ref={text}
          readOnly
          value={props.value}
          aria-label={props.title}
          onFocus={(event) => event.target.select()}
        />
        <button type="button" className="button primary" onClick={() => void copy()}>
          {t('admin.secret.copy')}
        </button>
      </p>
      <p aria-live="polite">{copied === null ? '' : copied ? t('admin.secret.copied') : t('admin.secret.notCopied')}</p>
      <p>
        <strong>{t('admin.secret.once')}</strong> {props.note}
      </p>
      <button type="button" className="button" onClick={props.onClose}>
        {t('admin.secret.kept')}
      </button>
    </section>
  )
}

/** Where there is no TLS, browsers lend no clipboard: what is marked is copied as by hand. */
async function copyText(value: string, marked: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value)
    return true
  } catch {
    marked?.select()
    return document.execCommand('copy')
  }
}
