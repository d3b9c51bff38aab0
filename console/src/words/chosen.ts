/** What somebody chose in this browser, and which language that makes: known before anything else of the page is there. */

export type Language = 'zh' | 'en'
export const LANGUAGES: readonly Language[] = ['zh', 'en']

const LANGUAGE = 'steth.language'

/** What the person chose here before, else the browser's first language that we have; Chinese where it has neither. */
export function preferred(): Language {
  const wanted = [kept(LANGUAGE), ...navigator.languages]
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag === language || tag?.toLowerCase().startsWith(`${language}-`))
    if (found) return found
  }
  return 'zh'
}

export function describe(language: Language): void {
  // Han characters are drawn differently by language, and a screen reader must know which one to speak.
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}

export const prefer = (language: Language): void => keep(LANGUAGE, language)

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
