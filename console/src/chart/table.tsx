/** The same as words and numbers: for who can't see the drawing, and for who wants to calculate. */

import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import './words.ts'

interface Props {
  readonly head: readonly string[]
  /** Made when it is opened; the first cell of each names the row. */
  readonly rows: () => readonly (readonly [string, ReactNode[]])[]
  readonly csv?: () => { readonly name: string; readonly text: string }
}

export function Table({ head, rows, csv }: Props) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const [copied, setCopied] = useState(false)
  return (
    <details className="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('chart.table')}</summary>
      {open ? (
        <>
          {csv === undefined ? null : (
            <button type="button" className="button" onClick={() => void hand(csv()).then(() => setCopied(true))}>
              {t('chart.csv')}
            </button>
          )}
          <span role="status" className="muted">
            {copied ? ` ${t('chart.copied')}` : ''}
          </span>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
          <section className="scroll" tabIndex={0} aria-label={t('chart.table')}>
            <table>
              <thead>
                <tr>
                  {head.map((words) => (
                    <th key={words} scope="col">
                      {words}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows().map(([key, [first, ...cells]]) => (
                  <tr key={key}>
                    <th scope="row">{first}</th>
                    {cells.map((cell, at) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: a column
                      <td key={at}>{cell}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </>
      ) : null}
    </details>
  )
}

/** To the clipboard; as a file where the browser gives none, as on a plain http address. */
async function hand({ name, text }: { readonly name: string; readonly text: string }): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
    link.download = name
    link.click()
    URL.revokeObjectURL(link.href)
  }
}
