import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { usePage } from '../ui/context.tsx'
import './people.css'
import './words.ts'

/** Who is signed in, of which organisation, as what: in one sentence. */
export function useWho(): string {
  const { t } = useTranslation()
  const { user, org, role } = usePage().who
  return t('people.who', { user, org: org.name, kind: t(`people.kind.${org.kind}`), role: t(`people.role.${role}`) })
}

/** The same in the bar; a click changes the password. */
export function Who() {
  const { t } = useTranslation()
  const { user, org, role } = usePage().who
  const title = useWho()
  return (
    <Link to="/account" className="button quiet" title={title}>
      <span className="who">
        <b>{user}</b>
        <span>
          <span className="who-org">{org.name}</span> · {t(`people.role.${role}`)}
        </span>
      </span>
    </Link>
  )
}
