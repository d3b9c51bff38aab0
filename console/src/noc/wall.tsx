/** A screen on the NOC's wall. */

import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Clock, useNow } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { useKeys } from '../ui/keys.ts'
import { Main } from '../ui/main.tsx'
import { Board } from './board.tsx'
import { useFacts } from './facts.ts'
import { SHIFT_EVERY_MS, shift } from './shift.ts'
import '../feed/words.ts'
import './noc.css'
import './words.ts'
import '../ui/words.ts'

export function WallPage() {
  const { t } = useTranslation()
  const { stale, view } = useLive()
  const now = useNow()
  const navigate = useNavigate()
  const { facts, failed } = useFacts()
  const wall = useRef<HTMLDivElement>(null)
  const leave = () => void navigate({ to: '/' })
  useKeys({ leave })
  const turn = Math.floor(now / SHIFT_EVERY_MS)
  useEffect(() => {
    // No picture stands on the same points of a screen for years.
    const [x, y] = shift(turn)
    wall.current?.style.setProperty('translate', `${x}px ${y}px`)
  }, [turn])
  return (
    <Main title={t('noc.wall.title')}>
      <div className="wall" data-stale={stale || failed} data-feed={view} ref={wall}>
        <header className="wall-top">
          <h1>{t('noc.wall.title')}</h1>
          <span className="wall-feed" role="status">
            {t(`feed.${view}`)}
            {failed && !stale ? ` · ${t('noc.wall.unfetched')}` : ''}
          </span>
          <span className="clock">
            <Clock at={now} />
          </span>
        </header>
        <Board facts={facts} />
      </div>
    </Main>
  )
}
