/** What every picture over time has around it: a name, keys, buttons for closer and farther, a caption. */

import { type ReactNode, useId } from 'react'
import { useTranslation } from 'react-i18next'
import { type Looking, pressed } from './gestures.ts'
import { panned, zoomed } from './view.ts'
import './words.ts'

interface Props {
  readonly label: string
  readonly looking: Looking
  /** What is shown is older than it should be. */
  readonly old: boolean
  readonly caption: ReactNode
  readonly children: ReactNode
  readonly below?: ReactNode
}

export function Figure({ label, looking, old, caption, children, below }: Props) {
  const { t } = useTranslation()
  const keys = useId()
  const { range, onRange, own } = looking
  const buttons = [
    ['◂', t('chart.earlier'), () => onRange(panned(range, -0.5))],
    ['▸', t('chart.later'), () => onRange(panned(range, 0.5))],
    ['+', t('chart.closer'), () => onRange(zoomed(range, 0.5))],
    ['−', t('chart.farther'), () => onRange(zoomed(range, 2))],
  ] as const
  return (
    <figure className={old ? 'picture is-stale' : 'picture'}>
      <div
        className="looking"
        role="application"
        aria-roledescription={t('chart.chart')}
        aria-label={label}
        aria-describedby={keys}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys move what is shown
        tabIndex={0}
        onKeyDown={(event) => {
          const { key, shiftKey, ctrlKey, metaKey, altKey } = event
          if (ctrlKey || metaKey || altKey || !pressed(key, shiftKey, looking)) return
          event.preventDefault()
          event.stopPropagation()
        }}
      >
        {children}
      </div>
      <figcaption>{caption}</figcaption>
      <div className="picture-foot">
        <fieldset className="zoom">
          <legend className="unseen">{t('chart.tools')}</legend>
          {buttons.map(([sign, words, act]) => (
            <button key={words} type="button" className="button" title={words} aria-label={words} onClick={act}>
              <span aria-hidden="true">{sign}</span>
            </button>
          ))}
          <button type="button" className="button" disabled={!own} onClick={() => onRange(null)}>
            {t('chart.reset')}
          </button>
        </fieldset>
        <p className="unseen" id={keys}>
          {t('chart.keys')}
        </p>
      </div>
      {below}
    </figure>
  )
}
