import { useTranslation } from 'react-i18next'
import { speak } from '../words/i18n.ts'
import { useLanguage } from './bits.tsx'
import './words.ts'

export function LanguageSwitch() {
  const { t } = useTranslation()
  const language = useLanguage()
  const other = language === 'zh' ? 'en' : 'zh'
  return (
    <button
      type="button"
      className="button quiet"
      lang={other === 'zh' ? 'zh-CN' : 'en'}
      title={t('ui.language.switch')}
      onClick={() => void speak(other)}
    >
      {t('ui.language.other')}
    </button>
  )
}

export function Brand() {
  return (
    <span className="brand">
      <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
        <path
          d="M3 17h7l3-9 5 16 3.5-10.5L23 17h6"
          fill="none"
          stroke="currentColor"
          strokeWidth="2.4"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      <span className="brand-name">
        Steth <span className="brand-zh">听诊</span>
      </span>
    </span>
  )
}
