import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, Failure, taken, type WhoAmI } from '../api/client.ts'
import { SESSION, useSignOut } from '../api/session.ts'
import { useProblem } from '../ui/bits.tsx'
import { Brand, LanguageSwitch } from '../ui/brand.tsx'
import './people.css'
import '../app/words.ts'
import './words.ts'

const FIELDS = ['old', 'new', 'repeat'] as const

/** A password of one's own, asked for before anything else where it was made for the account. */
export function Password({ who }: { who: WhoAmI }) {
  const { t } = useTranslation()
  const signOut = useSignOut()
  return (
    <main className="login">
      <PasswordForm who={who} onDone={() => undefined}>
        <header>
          <h1>
            <Brand />
          </h1>
          <LanguageSwitch />
        </header>
        <p className="lead">{t('people.password.first')}</p>
      </PasswordForm>
      <button type="button" className="button quiet" onClick={() => signOut.mutate()}>
        {t('app.bar.logout')}
      </button>
    </main>
  )
}

/** `children`: what stands above the fields. */
export function PasswordForm({ who, onDone, children }: { who: WhoAmI; onDone: () => void; children: ReactNode }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
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
    if (error.code === 'invalid') return t('people.password.rule')
    if (error.code === 'password_needed') return t('people.password.wrong')
    return error.retryAfterS === null ? problem(error) : t('people.login.wait', { seconds: error.retryAfterS })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        setDiffers(given.new !== given.repeat)
        if (given.new === given.repeat && !change.isPending) change.mutate()
      }}
    >
      {children}
      <input type="hidden" name="user" value={who.user} autoComplete="username" />
      {FIELDS.map((field) => (
        <div key={field} className="labelled">
          <label htmlFor={`${id}-${field}`}>{t(`people.password.${field}`)}</label>
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
        {t('people.password.rule')}
      </p>
      <div role="alert" className="form-problem">
        {differs ? t('people.password.differs') : change.error === null ? '' : why(change.error)}
      </div>
      <button type="submit" className="button primary" disabled={change.isPending}>
        {t('people.password.submit')}
      </button>
    </form>
  )
}
