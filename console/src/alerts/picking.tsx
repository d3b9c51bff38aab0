/** Rows that somebody picked, and what is done with them, or with the one that is chosen. */

import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Alert } from '../api/client.ts'
import type { Picked as PickedRows } from '../list/columns.ts'
import type { Row } from '../list/hold.ts'
import { dropDraft } from '../ui/drafts.ts'
import { useKeys } from '../ui/keys.ts'
import { say } from '../ui/toasts.tsx'
import { waits } from './alert.ts'
import { lastAcknowledged, noteOf, useAcknowledging } from './deeds.ts'
import { AcknowledgeBox } from './handling.tsx'
import type { Line } from './lines.ts'
import './words.ts'

export interface Picking {
  readonly picked: PickedRows
  readonly pick: (picked: PickedRows) => void
  readonly count: number
  /** Those that can be acknowledged: nobody has them yet. */
  readonly free: readonly Alert[]
  readonly writing: boolean
  readonly write: (writing: boolean) => void
}

/** The keys of a list of alerts. `onWrite`: opens the box of one row. */
export function usePicking(of: {
  rows: readonly Row<Line>[]
  chosen: string | null
  release: () => void
  may: boolean
  onWrite: (key: string) => void
}): Picking {
  const { t } = useTranslation()
  const { undo } = useAcknowledging()
  const [picked, pick] = useState<PickedRows>({})
  const [writing, write] = useState(false)
  const { rows, chosen } = of
  const these = useMemo(() => rows.filter(({ key }) => picked[key]).flatMap(alertsOf), [rows, picked])
  const free = these.filter(waits)
  useKeys({
    fresh: of.release,
    acknowledge: () => {
      if (!of.may) return
      const [selected] = rows.filter((row) => row.key === chosen).flatMap(alertsOf)
      if (free.length > 0) write(true)
      else if (selected === undefined) say(t('alerts.said.choose'))
      else if (waits(selected)) of.onWrite(selected.id)
    },
    undo: () => {
      if (!of.may) return
      const taken = these.filter((alert) => !waits(alert))
      const [selected] = rows.filter((row) => row.key === chosen).flatMap(alertsOf)
      const those =
        taken.length > 0 ? taken : selected !== undefined && !waits(selected) ? [selected] : lastAcknowledged()
      if (those.length === 0) say(t('alerts.said.nothing'))
      else undo(those)
    },
  })
  return { picked, pick, count: these.length, free, writing, write }
}

const alertsOf = ({ item }: Row<Line>): readonly Alert[] => (item.is === 'alert' ? [item.alert] : [])

const DRAFT = 'picked'

/** How many are picked, and the box in which one takes them all. */
export function Picked({ picking }: { picking: Picking }) {
  const { t } = useTranslation()
  const { acknowledge } = useAcknowledging()
  const { count } = picking
  if (count === 0) return null
  const none = () => {
    picking.write(false)
    picking.pick({})
  }
  return (
    <div className="picked">
      <span aria-live="polite">{t('alerts.picked', { count })}</span>
      {picking.free.length === 0 ? null : picking.writing ? (
        <AcknowledgeBox
          draft={DRAFT}
          send={t('alerts.sendPicked', { count: picking.free.length })}
          onSend={(note) => {
            acknowledge(picking.free, note)
            dropDraft(noteOf(DRAFT))
            none()
          }}
          onCancel={() => picking.write(false)}
        />
      ) : (
        <button type="button" className="button primary" onClick={() => picking.write(true)}>
          {t('alerts.sendPicked', { count: picking.free.length })} <kbd>a</kbd>
        </button>
      )}
      <button type="button" className="button quiet" onClick={none}>
        {t('alerts.unpick')}
      </button>
    </div>
  )
}
