/** What became of something a person did, where it was done. */

import { useTranslation } from 'react-i18next'
import { Failure } from '../api/client.ts'
import { elapsed } from '../feed/clock.ts'
import { instant } from '../feed/server-time.ts'
import { useNow, useProblem } from '../ui/bits.tsx'
import { useActs, usePage } from '../ui/context.tsx'
import type { Act } from './queue.ts'
import './act.css'
import './words.ts'
import '../ui/words.ts'

export function useActOn(target: string): Act | undefined {
  return useActs().find((act) => act.deed.target === target)
}

/** `now`: how the thing is now, for who was too late. */
export function ActState({ act, now }: { act: Act; now: string | null }) {
  const { t } = useTranslation()
  const { acts } = usePage()
  const problem = useProblem()
  const drop = (
    <button type="button" className="button quiet" onClick={() => acts.drop(act.key)}>
      {act.state === 'conflict' || act.state === 'refused' ? t('ui.close') : t('act.drop')}
    </button>
  )
  switch (act.state) {
    case 'sending':
      return (
        <p className="act" role="status">
          {t('act.sending')}
        </p>
      )
    case 'waiting':
      return (
        <p className="act act-told" role="status">
          <Countdown act={act} /> {drop}
        </p>
      )
    case 'sign-in':
      return <p className="act act-told">{t('act.signIn')}</p>
    case 'conflict':
      return (
        <p className="act act-told" role="alert">
          {now === null ? t('act.conflictPlain') : t('act.conflict', { now })} {drop}
        </p>
      )
    case 'refused':
      return (
        <p className="act act-told" role="alert">
          {t('act.refused', { reason: problem(new Failure(0, act.code)) })} {drop}
        </p>
      )
    case 'given-up':
      return (
        <p className="act act-told" role="alert">
          {t('act.givenUp')}{' '}
          <button type="button" className="button" onClick={() => acts.again(act.key)}>
            {t('act.again')}
          </button>{' '}
          {drop}
        </p>
      )
  }
}

function Countdown({ act }: { act: Act }) {
  const { t } = useTranslation()
  useNow()
  const left = act.nextAt === null ? 0 : act.nextAt.wall - instant().wall
  const sane = act.nextAt === null || elapsed(instant(), act.nextAt) > 0 ? left : 0
  return <>{t('act.retrying', { seconds: Math.max(Math.ceil(sane / 1_000), 0), tries: act.tries })}</>
}
