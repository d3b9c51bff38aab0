/** The words of the page: one namespace a subject, which comes with the code that says it. */

import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type * as subjects from './subjects.ts'

export type Language = 'zh' | 'en'
export const LANGUAGES: readonly Language[] = ['zh', 'en']

type Subjects = typeof subjects
export type Subject = keyof Subjects
type Words = { readonly [S in Subject]: Subjects[S]['zh'] }

declare module 'i18next' {
  interface CustomTypeOptions {
    // For the compiler a key's first part is a namespace and a branch of one tree at once, as it is for `t`.
    resources: { translation: Words }
    returnNull: false
  }
}

const KEPT = 'steth.language'

/** The words of a subject, said by its `words.ts` when that is loaded. */
const spoken = new Map<string, { readonly zh: object; readonly en: object }>()

/** A subject's words are there from now on. A page that loads later brings its own. */
export function speaks(subject: Subject, words: { readonly zh: object; readonly en: object }): void {
  spoken.set(subject, words)
  if (i18next.isInitialized) add(subject, words)
}

function add(subject: string, words: { readonly zh: object; readonly en: object }): void {
  for (const each of LANGUAGES) i18next.addResourceBundle(each, subject, words[each], true, true)
  // A namespace is known by its name: `alerts.title` is `title` of `alerts`.
  const known = i18next.options.ns as string[]
  if (!known.includes(subject)) known.push(subject)
}

/** What the person chose here before, else the browser's first language that we have; Chinese where it has neither. */
function preferred(): Language {
  const wanted = [kept(KEPT), ...navigator.languages]
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag === language || tag?.toLowerCase().startsWith(`${language}-`))
    if (found) return found
  }
  return 'zh'
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
    ns: [...spoken.keys()],
    defaultNS: false,
    nsSeparator: '.',
    keySeparator: '.',
    resources: {},
    // A key without words is a fault of ours: said where the tests hear it.
    saveMissing: true,
    // biome-ignore lint/suspicious/noConsole: see above
    missingKeyHandler: (_languages, subject, key) => console.error(`no words: ${subject}.${key}`),
    // React writes text, never markup: escaping here would show entities.
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  })
  for (const [subject, words] of spoken) add(subject, words)
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
