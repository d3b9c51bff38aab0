import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, Failure, taken, type WhoAmI } from '../api/client.ts'
import { useProblem } from './bits.tsx'
import { Brand, LanguageSwitch, SESSION, useSignOut } from './session.tsx'

const FIELDS = ['old', 'new', 'repeat'] as const

/** A password of one's own: asked for before anything else where it was made for the account. */
export function Password({ who, onDone }: { who: WhoAmI; onDone: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const signOut = useSignOut()
  const problem = useProblem()
  const [given, setGiven] = useState({ old: '', new: '', repeat: '' })
  const [differs, setDiffers] = useState(false)
  const id = useId()
  const change = useMutation({
    mutationFn: () => taken(api.POST('/api/v1/account/password', { body: { old: given.old, new: given.new } })),
    onSuccess: () => {
      queries.setQueryData<WhoAmI>(SESSION, { ...who, choose_password: false })
      onDone()
    },
    onError: (error) => {
      if (error instanceof Failure && error.status === 401) queries.setQueryData(SESSION, null)
    },
  })
  const why = (error: Error): string => {
    if (!(error instanceof Failure)) return problem(error)
    if (error.code === 'invalid') return t('password.rule')
    if (error.code === 'password_needed') return t('password.wrong')
    return error.retryAfterS === null ? problem(error) : t('login.wait', { seconds: error.retryAfterS })
  }
  return (
    <main className="login">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setDiffers(given.new !== given.repeat)
          if (given.new === given.repeat && !change.isPending) change.mutate()
        }}
      >
        <header>
          <h1>
            <Brand />
          </h1>
          <LanguageSwitch />
        </header>
        <p className="lead">{who.choose_password ? t('password.first') : t('password.lead')}</p>
        <input type="hidden" name="user" value={who.user} autoComplete="username" />
        {FIELDS.map((field) => (
          <div key={field} className="labelled">
            <label htmlFor={`${id}-${field}`}>{t(`password.${field}`)}</label>
            <input
              id={`${id}-${field}`}
              name={field}
              type="password"
              value={given[field]}
              onChange={(event) => setGiven({ ...given, [field]: event.target.value })}
              autoComplete={field === 'old' ? 'current-password' : 'new-password'}
              aria-describedby={field === 'new' ? `${id}-rule` : undefined}
              maxLength={200}
              required
            />
          </div>
        ))}
        <p className="muted" id={`${id}-rule`}>
          {t('password.rule')}
        </p>
        <div role="alert" className="form-problem">
          {differs ? t('password.differs') : change.error === null ? '' : why(change.error)}
        </div>
        <button type="submit" className="button primary" disabled={change.isPending}>
          {t('password.submit')}
        </button>
        <button
          type="button"
          className="button quiet"
          onClick={() => (who.choose_password ? signOut.mutate() : onDone())}
        >
          {who.choose_password ? t('bar.logout') : t('password.cancel')}
        </button>
      </form>
    </main>
  )
}
