/** Languages by their own names, which are the same in each. */
export const LANGUAGE_NAMES = { zh: '中文', en: 'English' } as const
