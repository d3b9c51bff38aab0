import { useTranslation } from 'react-i18next'
import type { Device } from '../api/client.ts'
import { useLive } from '../ui/context.tsx'
import { FACTS } from './summary.ts'
import './words.ts'

function Sign({ value }: { value: boolean | null }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="12"
      height="12"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
      aria-hidden="true"
    >
      {value === true ? <path d="m3 8.5 3.5 3.5L13 4.5" /> : null}
      {value === false ? <path d="m3.5 3.5 9 9m0-9-9 9" /> : null}
      {value === null ? <circle cx="8" cy="8" r="5" strokeDasharray="3 2.6" /> : null}
    </svg>
  )
}

/** The three facts, each with a shape and a word. While the feed is dead none of them is known. */
export function Facts({ device }: { device: Device }) {
  const { t } = useTranslation()
  const { stale } = useLive()
  return (
    <ul className="facts">
      {FACTS.map((name) => {
        const fact = device[name]
        const value = stale ? null : fact.value
        const word = value === null ? t('devices.fact.unknown') : t(`devices.fact.${name}${value ? 'Yes' : 'No'}`)
        return (
          <li
            key={name}
            className={`fact fact-${value === null ? 'unknown' : value ? 'yes' : 'no'}`}
            title={stale ? t('devices.fact.nowUnknown', { text: fact.text }) : fact.text}
          >
            <span className="fact-name">{t(`devices.fact.${name}`)}</span> <Sign value={value} />
            <span>{word}</span>
          </li>
        )
      })}
    </ul>
  )
}
