import { useTranslation } from 'react-i18next'
import { useSignOut } from '../api/session.ts'
import { usePage } from '../ui/context.tsx'
import { Main, Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { PasswordForm } from './password.tsx'
import { useWho } from './who.tsx'
import './words.ts'
import '../app/words.ts'

/** One's own account. */
export function AccountPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  const signOut = useSignOut()
  const words = useWho()
  return (
    <Main title={t('app.nav.account')}>
      <Title>{t('app.nav.account')}</Title>
      <p className="muted">{words}</p>
      <PasswordForm who={who} onDone={() => say(t('people.password.changed'))}>
        <h2>{t('people.password.change')}</h2>
        <p className="lead">{t('people.password.lead')}</p>
      </PasswordForm>
      <button type="button" className="button" onClick={() => signOut.mutate()}>
        {t('app.bar.logout')}
      </button>
    </Main>
  )
}
