import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import * as subjects from './subjects.ts'

export type Language = 'zh' | 'en'
export const LANGUAGES: readonly Language[] = ['zh', 'en']

type Subjects = typeof subjects
type Words = { readonly [S in keyof Subjects]: Subjects[S]['zh'] }

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: Words }
    returnNull: false
  }
}

const KEPT = 'steth.language'

/** What the person chose here before, else the browser's first language that we have; Chinese where it has neither. */
function preferred(): Language {
  const wanted = [kept(KEPT), ...navigator.languages]
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag === language || tag?.toLowerCase().startsWith(`${language}-`))
    if (found) return found
  }
  return 'zh'
}

function words(language: Language) {
  return Object.fromEntries(Object.entries(subjects).map(([subject, its]) => [subject, its[language]]))
}

function describe(language: Language): void {
  // Han characters are drawn differently by language, and a screen reader must know which one to speak.
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}

export async function beginWords(): Promise<void> {
  const language = preferred()
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    supportedLngs: [...LANGUAGES],
    resources: { zh: { translation: words('zh') }, en: { translation: words('en') } },
    // React writes text, never markup: escaping here would show entities.
    interpolation: { escapeValue: false },
  })
  describe(language)
}

export function language(): Language {
  return i18next.language === 'en' ? 'en' : 'zh'
}

export async function speak(chosen: Language): Promise<void> {
  keep(KEPT, chosen)
  await i18next.changeLanguage(chosen)
  describe(chosen)
}

/** A small choice that this browser remembers; a browser that forbids it forgets. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value)
  } catch {
    // Private mode or a policy: the choice holds until the page is closed.
  }
}
