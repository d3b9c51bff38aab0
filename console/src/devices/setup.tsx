/** What a new agent is started with, and the waiting for its first word. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas, taken } from '../api/client.ts'
import { Age, Choice, Moment } from '../ui/bits.tsx'
import { say } from '../ui/toasts.tsx'
import styles from './form.module.css'
import './words.ts'

type Made = Schemas['CodeMade']
const SYSTEMS = ['linux', 'windows'] as const
type System = (typeof SYSTEMS)[number]
const OWN: System = /Windows/.test(navigator.userAgent) ? 'windows' : 'linux'

/** The file and the commands: shown this once, as the code in it is kept nowhere. */
export function SetupShown({ id, made }: { id: string; made: Made }) {
  const { t } = useTranslation()
  const [system, setSystem] = useState<System>(OWN)
  const { setup } = made
  const save = () => {
    const address = URL.createObjectURL(new Blob([setup.text], { type: 'application/toml' }))
    const link = document.createElement('a')
    link.href = address
    link.download = setup.file
    link.click()
    // Not at once: the browser reads it after the click.
    setTimeout(() => URL.revokeObjectURL(address), 60_000)
  }
  const certificates = setup.beside.includes('device.crt')
  return (
    <>
      <p>
        {t('devices.setup.once')} <Moment at={made.expires_at} />
      </p>
      <h3>
        <code>{setup.file}</code>
      </h3>
      <Text of={setup.text} label={setup.file} />
      <p className={styles.send}>
        <button type="button" className="button primary" onClick={save}>
          {t('devices.setup.download')}
        </button>
        <Copy text={setup.text} words={t('devices.setup.copy')} />
      </p>
      {setup.beside.length === 0 ? null : (
        <p>
          {t(certificates ? 'devices.setup.certificates' : 'devices.setup.password')}{' '}
          <code>{certificates ? `steth certs device FOLDER ${id}` : 'mqtt-password'}</code>
        </p>
      )}
      <h3>{t('devices.setup.run')}</h3>
      <p className="muted">{t('devices.setup.agent')}</p>
      <Choice
        label={t('devices.setup.system')}
        value={system}
        options={SYSTEMS.map((each) => [each, t(`devices.setup.${each}`)] as const)}
        onChange={setSystem}
      />
      <Text of={setup[system]} label={t('devices.setup.run')} />
      <p>
        <Copy text={setup[system]} words={t('devices.setup.copyCommands')} />
      </p>
      <FirstWord id={id} since={Date.parse(made.expires_at)} />
    </>
  )
}

/** To be read and selected, by keyboard too. */
function Text({ of, label }: { of: string; label: string }) {
  const rows = Math.min(of.trimEnd().split('\n').length, 24)
  return <textarea className={styles.file} readOnly aria-label={label} rows={rows} value={of.trimEnd()} wrap="off" />
}

function Copy({ text, words }: { text: string; words: string }) {
  const { t } = useTranslation()
  // Without TLS there is no clipboard: the text can be selected.
  if (navigator.clipboard === undefined) return null
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => say(t('devices.setup.copied')),
      () => say(t('devices.setup.notCopied')),
    )
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      {words}
    </button>
  )
}

const LOOK_MS = 2_000

/** Waits until the agent enrolled, and until something came. */
function FirstWord({ id, since }: { id: string; since: number }) {
  const { t, i18n } = useTranslation()
  const { data } = useQuery({
    queryKey: ['device', i18n.language, id, 'first', since],
    queryFn: ({ signal }) => taken(api.GET('/api/v1/devices/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.last_seen === null || state.data === undefined ? LOOK_MS : false),
  })
  const heard = data !== undefined && data.last_seen !== null
  return (
    <div className={styles.wait} data-heard={heard} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {heard ? (
        <p>
          <strong>{t('devices.setup.heard')}</strong> <Age at={data.last_seen} /> ·{' '}
          <Link to="/devices/$id" params={{ id }}>
            {t('devices.setup.open')}
          </Link>
        </p>
      ) : (
        <p>
          <strong>{data?.enrolled_at ? t('devices.setup.enrolled') : t('devices.setup.waiting')}</strong>{' '}
          <span className="muted">{t('devices.setup.leave')}</span>
        </p>
      )}
    </div>
  )
}
