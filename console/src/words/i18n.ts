/** The words of the page: one namespace a subject, which comes with the code that says it. */

import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { describe, LANGUAGES, type Language, prefer, preferred } from './chosen.ts'
import type * as subjects from './subjects.ts'

export { keep, kept, LANGUAGES, type Language } from './chosen.ts'

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
  prefer(chosen)
  await i18next.changeLanguage(chosen)
  describe(chosen)
}
