import { useTranslation } from 'react-i18next'
import { usePage } from '../ui/context.tsx'
import './people.css'

/** Who is signed in, of which organisation, as what: in one sentence. */
export function useWho(): string {
  const { t } = useTranslation()
  const { user, org, role } = usePage().who
  return t('people.who', { user, org: org.name, kind: t(`people.kind.${org.kind}`), role: t(`people.role.${role}`) })
}

/** The same in the bar; a click changes the password. */
export function Who({ onPassword }: { onPassword: () => void }) {
  const { t } = useTranslation()
  const { user, org, role } = usePage().who
  const title = `${useWho()}\n${t('people.password.change')}`
  return (
    <button type="button" className="button quiet wide-only" title={title} onClick={onPassword}>
      <span className="who">
        <b>{user}</b>
        <span>
          <span className="who-org">{org.name}</span> · {t(`people.role.${role}`)}
        </span>
      </span>
    </button>
  )
}
