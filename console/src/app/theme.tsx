import { useTranslation } from 'react-i18next'
import { choose, THEMES, useTheme } from '../ui/theme.ts'
import '../ui/words.ts'

const SIGNS = { system: '◐', light: '☼', dark: '☾' } as const

/** Light, dark, or as the system has it: each press goes on to the next. */
export function ThemeSwitch() {
  const { t } = useTranslation()
  const theme = useTheme()
  const words = `${t('ui.theme.label')}: ${t(`ui.theme.${theme}`)}`
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <button type="button" className="button quiet" title={words} aria-label={words} onClick={() => choose(next)}>
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  )
}
