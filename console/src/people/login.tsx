import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, Failure, taken } from '../api/client.ts'
import { SESSION } from '../api/session.ts'
import { useProblem } from '../ui/bits.tsx'
import { Brand, LanguageSwitch } from '../ui/brand.tsx'
import './people.css'
import './words.ts'

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
        <p className="lead">{again ? t('people.login.again') : t('people.login.lead')}</p>
        <label htmlFor={`${id}-user`}>{t('people.login.user')}</label>
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
        <label htmlFor={`${id}-password`}>{t('people.login.password')}</label>
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
            aria-label={shown ? t('people.login.hide') : t('people.login.show')}
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
          {login.error === null ? '' : wait === null ? problem(login.error) : t('people.login.wait', { seconds: wait })}
        </div>
        <button type="submit" className="button primary" disabled={login.isPending}>
          {login.isPending ? t('people.login.busy') : t('people.login.submit')}
        </button>
      </form>
    </main>
  )
}
