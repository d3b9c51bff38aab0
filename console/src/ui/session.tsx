import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, Failure, taken, type WhoAmI } from '../api/client.ts'
import { speak } from '../words/i18n.ts'
import { useLanguage, useProblem } from './bits.tsx'

export const SESSION = ['session'] as const

/** Who is signed in: undefined while that is asked, null: nobody. */
export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: async ({ signal }): Promise<WhoAmI | null> => {
      try {
        return await taken(api.GET('/api/v1/session', { signal }))
      } catch (error) {
        if (error instanceof Failure && error.status === 401) return null
        throw error
      }
    },
    // Before anything can be shown: asked until it is answered.
    retry: true,
    retryDelay: 2_000,
  })
}

export function useSignedOut(): () => void {
  const queries = useQueryClient()
  return () => queries.setQueryData(SESSION, null)
}

export function useSignOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => taken(api.DELETE('/api/v1/session')),
    onSettled: () => {
      queries.clear()
      queries.setQueryData(SESSION, null)
    },
  })
}

export function LanguageSwitch() {
  const { t } = useTranslation()
  const language = useLanguage()
  const other = language === 'zh' ? 'en' : 'zh'
  return (
    <button
      type="button"
      className="button quiet"
      lang={other === 'zh' ? 'zh-CN' : 'en'}
      title={t('bar.otherLong')}
      onClick={() => void speak(other)}
    >
      {t('bar.other')}
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

/** `again`: there was a session, and it ended. */
export function Login({ again }: { again: boolean }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const problem = useProblem()
  const [shown, setShown] = useState(false)
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const id = useId()
  const login = useMutation({
    mutationFn: () => taken(api.POST('/api/v1/session', { body: { user: user.trim(), password } })),
    onSuccess: (who) => queries.setQueryData(SESSION, who),
  })
  const wait = login.error instanceof Failure && login.error.code === 'too_many' ? login.error.retryAfterS : null
  return (
    <main className="login">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!login.isPending) login.mutate()
        }}
      >
        <header>
          <h1>
            <Brand />
          </h1>
          <LanguageSwitch />
        </header>
        <p className="lead">{again ? t('login.again') : t('login.lead')}</p>
        <label htmlFor={`${id}-user`}>{t('login.user')}</label>
        <input
          id={`${id}-user`}
          name="user"
          value={user}
          onChange={(event) => setUser(event.target.value)}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={100}
          required
        />
        <label htmlFor={`${id}-password`}>{t('login.password')}</label>
        <div className="with-button">
          <input
            id={`${id}-password`}
            name="password"
            type={shown ? 'text' : 'password'}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            maxLength={200}
            required
          />
          <button
            type="button"
            className="button quiet"
            aria-pressed={shown}
            aria-label={shown ? t('login.hide') : t('login.show')}
            onClick={() => setShown(!shown)}
          >
            <svg
              viewBox="0 0 20 20"
              width="18"
              height="18"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.6"
              aria-hidden="true"
            >
              <path d="M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10Z" />
              <circle cx="10" cy="10" r="2.6" />
              {shown ? <path d="m3 17 14-14" /> : null}
            </svg>
          </button>
        </div>
        <div role="alert" className="form-problem">
          {login.error === null ? '' : wait === null ? problem(login.error) : t('login.wait', { seconds: wait })}
        </div>
        <button type="submit" className="button primary" disabled={login.isPending}>
          {login.isPending ? t('login.busy') : t('login.submit')}
        </button>
      </form>
    </main>
  )
}
