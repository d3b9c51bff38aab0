/** What of a device's input was refused, and, apart from it, what was answered well and told nothing. */

import { useTranslation } from 'react-i18next'
import type { DeviceDetail, Schemas } from '../api/client.ts'
import { Age } from '../ui/bits.tsx'
import './words.ts'

type Refusal = Schemas['Refusal']

export function Refusals({ device }: { device: DeviceDetail }) {
  const { t } = useTranslation()
  const refused = device.refusals
    .filter((each) => each.kind === 'refused')
    .sort((one, other) => Number(other.lost) - Number(one.lost))
  const untold = device.refusals.filter((each) => each.kind === 'untold')
  return (
    <>
      {refused.length === 0 ? null : (
        <section aria-labelledby="refused">
          <h3 id="refused">{t('devices.refusals.refused')}</h3>
          {refused.some((each) => each.lost) ? <p className="muted">{t('devices.refusals.todo')}</p> : null}
          <Rows of={refused} />
        </section>
      )}
      {untold.length === 0 ? null : (
        <section aria-labelledby="untold">
          <h3 id="untold">{t('devices.refusals.untold')}</h3>
          <Rows of={untold} />
        </section>
      )}
    </>
  )
}

function Rows({ of }: { of: readonly Refusal[] }) {
  const { t } = useTranslation()
  return (
    <table className="signals refusals">
      <thead>
        <tr>
          <th scope="col">{t('devices.refusals.reason')}</th>
          <th scope="col" className="figure">
            {t('devices.refusals.count')}
          </th>
          <th scope="col" className="figure">
            {t('devices.refusals.last')}
          </th>
        </tr>
      </thead>
      <tbody>
        {of.map((each) => (
          <tr key={`${each.source} ${each.reason}`}>
            <th scope="row">
              {each.text} {each.lost ? <span className="badge">{t('devices.refusals.lost')}</span> : null}
              <span className="muted">
                {each.source_text} · <code>{each.reason}</code>
                {each.form === '' ? null : (
                  <span title={t('devices.refusals.mask')}>
                    {' '}
                    · {t('devices.refusals.form')} <code className="form">{each.form}</code>
                  </span>
                )}
              </span>
            </th>
            <td className="figure value">{each.count}</td>
            <td className="figure">
              <Age at={each.last} />
              <span className="muted">
                {t('devices.refusals.since')} <Age at={each.since} />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
