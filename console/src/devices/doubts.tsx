/** Why what stands on a device's page may be wrong or incomplete, and what never came. */

import { useTranslation } from 'react-i18next'
import type { DeviceDetail, Schemas } from '../api/client.ts'
import { Age, Moment, useDuration } from '../ui/bits.tsx'
import './words.ts'

/** A clock nearer to right than this disturbs nobody, in s: the alert of a wrong clock begins there too. */
const CLOCK_RIGHT_S = 60

/** Sentences that stand above everything else. */
export function Doubts({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const duration = useDuration()
  const offset = device.clock_offset_s
  const said = [
    device.status === 'retired' ? t('devices.doubts.retired') : null,
    device.equipment_connected === false ? t('devices.doubts.outOfReach') : null,
    offset !== null && Math.abs(offset) >= CLOCK_RIGHT_S
      ? t(offset > 0 ? 'devices.doubts.clockBehind' : 'devices.doubts.clockAhead', {
          by: duration(Math.abs(offset) * 1_000),
        })
      : null,
  ].filter((each) => each !== null)
  if (said.length === 0) return null
  return (
    <ul className="doubts">
      {said.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  )
}

/** Signals that aren't judged, since they come in another unit than the model's. */
export function ForeignUnits({ units }: { units: DeviceDetail['foreign_units'] }) {
  const { t } = useTranslation()
  if (units.length === 0) return null
  return (
    <section aria-labelledby="foreign-units">
      <h3 id="foreign-units">{t('devices.doubts.units')}</h3>
      <ul className="lines">
        {units.map((each) => (
          <li key={`${each.metric} ${each.unit}`}>
            {each.text}{' '}
            <span className="muted">
              <Age at={each.at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Reports that never came and never will. */
export function Gaps({ gaps }: { gaps: readonly Schemas['Gap'][] }) {
  const { t } = useTranslation()
  if (gaps.length === 0) return null
  return (
    <section aria-labelledby="gaps">
      <h3 id="gaps">{t('devices.doubts.gaps')}</h3>
      <ul className="lines">
        {gaps.map((gap) => (
          <li key={`${gap.lane} ${gap.until} ${gap.since}`}>
            {gap.since === null ? null : (
              <>
                <Moment at={gap.since} />
                {' – '}
              </>
            )}
            <Moment at={gap.until} /> {t(`devices.doubts.lane.${gap.lane}`)}{' '}
            <span className="muted">
              {gap.reports === null
                ? t('devices.doubts.restored')
                : t('devices.doubts.reports', { count: gap.reports })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
