import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { zh } from './words.ts'
import './words.ts'

/** What is noted, by its name in the log; one without words of its own is shown as it stands there. */
export const ACTIONS = Object.keys(zh.actions) as (keyof typeof zh.actions)[]

const known = (action: string): action is keyof typeof zh.actions => action in zh.actions

export function useAction(): (action: string) => string {
  const { t } = useTranslation()
  return useCallback((action) => (known(action) ? t(`audit.actions.${action}`) : action), [t])
}
