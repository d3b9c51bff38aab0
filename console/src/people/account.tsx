import { useTranslation } from 'react-i18next'
import { Credentials, SignOut } from '../admin/credentials.tsx'
import { LANGUAGE_NAMES } from '../admin/languages.ts'
import { NewToken } from '../admin/new-token.tsx'
import { Choice, useLanguage } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { setKeys, useKeysOn } from '../ui/keys.ts'
import { Main, Title } from '../ui/main.tsx'
import { choose, THEMES, useTheme } from '../ui/theme.ts'
import { say } from '../ui/toasts.tsx'
import { speak } from '../words/i18n.ts'
import { PasswordForm } from './password.tsx'
import { useWho } from './who.tsx'
import './people.css'
import './words.ts'
import '../admin/words.ts'
import '../app/words.ts'
import '../ui/words.ts'

/** One's own account: who one is here, the password, what is signed in, tokens for programs, and how the page looks. */
export function AccountPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  const words = useWho()
  return (
    <Main title={t('app.nav.account')}>
      <div className="own">
        <Title>{t('app.nav.account')}</Title>
        <p className="muted">{words}</p>
        <Looks />
        <section>
          <PasswordForm who={who} onDone={() => say(t('people.password.changed'))}>
            <h2>{t('people.password.change')}</h2>
            <p className="lead">{t('people.password.lead')}</p>
          </PasswordForm>
        </section>
        <Credentials account={null} />
        <NewToken />
        <section>
          <SignOut />
        </section>
      </div>
    </Main>
  )
}

/** What this browser remembers of how somebody likes the page. */
function Looks() {
  const { t } = useTranslation()
  const language = useLanguage()
  const theme = useTheme()
  const keys = useKeysOn()
  return (
    <section>
      <h2>{t('admin.account.looks')}</h2>
      <div className="looks">
        <Choice
          label={t('admin.account.language')}
          value={language}
          options={[
            ['zh', LANGUAGE_NAMES.zh],
            ['en', LANGUAGE_NAMES.en],
          ]}
          onChange={(chosen) => void speak(chosen)}
        />
        <Choice
          label={t('ui.theme.label')}
          value={theme}
          options={THEMES.map((each) => [each, t(`ui.theme.${each}`)] as const)}
          onChange={choose}
        />
        <label className="tick">
          <input type="checkbox" checked={keys} onChange={(event) => setKeys(event.target.checked)} />
          {t('app.help.on')}
        </label>
      </div>
      <p className="muted">{t('admin.account.remembered')}</p>
    </section>
  )
}
