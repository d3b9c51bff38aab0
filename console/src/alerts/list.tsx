import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Severity } from '../api/client.ts'
import { neighbour } from '../list/hold.ts'
import { useHeld } from '../list/useHeld.ts'
import { Choice, Failed, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive, useMay } from '../ui/context.tsx'
import { type KeyActions, useKeys } from '../ui/keys.ts'
import { Panel } from '../ui/panel.tsx'
import { say } from '../ui/toasts.tsx'
import { order, waits } from './alert.ts'
import { lastAcknowledged, useAcknowledging } from './deeds.ts'
import { type AlertState, alertsQuery } from './queries.ts'
import { AcknowledgeBox, AlertRow } from './row.tsx'

const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor', 'warning']
export function Alerts() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const { acknowledge, undo } = useAcknowledging()
  const may = useMay('alerts.handle')
  const [state, setState] = useState<AlertState>('open')
  const [chosen, setChosen] = useState<string | null>(null)
  const [writing, setWriting] = useState<string | null>(null)
  const rowsOf = useRef(new Map<string, HTMLElement>())
  const query = useQuery({ ...alertsQuery(language, state), enabled: begun })
  const sorted = [...(query.data?.items ?? [])].sort((one, other) => order(one) - order(other))
  const { rows, waiting, ref, release } = useHeld(sorted, (alert) => alert.id, `${state}|${language}`)
  const worst = SEVERITIES.find((severity) => waiting.some((alert) => alert.severity === severity))
  const selected = rows.find((row) => row.key === chosen) ?? null

  const focus = (key: string | null) => {
    setChosen(key)
    if (key !== null) rowsOf.current.get(key)?.focus()
  }
  const step = (by: 1 | -1) =>
    focus(
      neighbour(
        rows.map((row) => row.key),
        chosen,
        by,
      ),
    )
  const actions: KeyActions = {
    j: () => step(1),
    k: () => step(-1),
    n: release,
    a: () => {
      if (!may) return
      if (selected === null) say(t('alerts.said.choose'))
      else if (waits(selected.item)) setWriting(selected.key)
    },
    u: () => {
      const alert = selected !== null && !waits(selected.item) ? selected.item : lastAcknowledged()
      if (!may) return
      if (alert === null) say(t('alerts.said.nothing'))
      else undo(alert)
    },
  }
  useKeys(actions)

  return (
    <Panel
      id="alerts"
      title={t('alerts.title')}
      count={query.data === undefined ? null : query.data.items.length}
      query={query}
      tools={
        <Choice
          label={t('ui.show')}
          value={state}
          onChange={setState}
          options={[
            ['open', t('alerts.open')],
            ['pending', t('alerts.pending')],
            ['over', t('alerts.over')],
          ]}
        />
      }
    >
      <div className="waiting" aria-live="polite">
        {worst === undefined ? null : (
          <button type="button" onClick={release} className={`fresh severity-${worst}`}>
            ↑ {t('alerts.waitingWorst', { count: waiting.length, severity: t(`ui.severity.${worst}`) })} <kbd>n</kbd>
          </button>
        )}
      </div>
      {query.data === undefined ? (
        query.isError ? (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton rows={3} />
        )
      ) : null}
      {query.data !== undefined && rows.length === 0 ? (
        <p className="empty">
          {t(state === 'open' ? 'alerts.emptyOpen' : state === 'pending' ? 'alerts.emptyPending' : 'alerts.emptyOver')}
        </p>
      ) : null}
      <ul className="rows" ref={ref}>
        {rows.map(({ key, item, gone }) => (
          <li key={key}>
            <AlertRow
              alert={item}
              gone={gone}
              chosen={key === chosen}
              writing={key === writing && waits(item)}
              mainRef={(element) => {
                if (element === null) rowsOf.current.delete(key)
                else rowsOf.current.set(key, element)
              }}
              onFocus={() => setChosen(key)}
              onWrite={may && waits(item) ? () => setWriting(key) : null}
              onUndo={may && !waits(item) ? () => undo(item) : null}
            >
              {writing === key && waits(item) ? (
                <AcknowledgeBox
                  alert={item}
                  onSend={(note) => {
                    acknowledge(item, note)
                    setWriting(null)
                    focus(key)
                  }}
                  onCancel={() => {
                    setWriting(null)
                    focus(key)
                  }}
                />
              ) : null}
            </AlertRow>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
