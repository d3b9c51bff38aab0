import { useTranslation } from 'react-i18next'
import type { Severity } from '../api/client.ts'
import { SEVERITIES } from '../ui/severity.ts'
import type { Facet } from './filters.tsx'
import '../ui/words.ts'

/** Some severities, or all. */
export function useSeverities(
  value: readonly Severity[] | undefined,
  onChange: (severity: readonly Severity[] | undefined) => void,
): Facet {
  const { t } = useTranslation()
  const toggle = (severity: Severity) => {
    const next = SEVERITIES.filter((one) => (value ?? []).includes(one) !== (one === severity))
    onChange(next.length === 0 ? undefined : next)
  }
  return {
    id: 'severity',
    label: t('ui.list.severity'),
    chosen: value?.map((one) => t(`ui.severity.${one}`)).join(' · '),
    onClear: () => onChange(undefined),
    control: (
      <fieldset className="choice">
        <legend className="unseen">{t('ui.list.severity')}</legend>
        {SEVERITIES.map((severity) => (
          <button
            key={severity}
            type="button"
            aria-pressed={value?.includes(severity) ?? false}
            onClick={() => toggle(severity)}
          >
            {t(`ui.severity.${severity}`)}
          </button>
        ))}
      </fieldset>
    ),
  }
}
