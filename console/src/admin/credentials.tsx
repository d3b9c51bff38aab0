import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, type Schemas, taken } from '../api/client.ts'
import { useSignOut } from '../api/session.ts'
import { Age, Failed, Moment, Skeleton } from '../ui/bits.tsx'
import { say } from '../ui/toasts.tsx'
import { Confirm } from './confirm.tsx'
import { useRows } from './rows.ts'
import './admin.css'
import './words.ts'

export const CREDENTIALS = 'credentials'
type Token = Schemas['Token']

/** What an account is signed in with, and its tokens for programs; `account` null: one's own. Each of them can be ended. */
export function Credentials({ account }: { account: { id: number; name: string } | null }) {
  const { t } = useTranslation()
  const list = useRows<Token>([CREDENTIALS, account?.id ?? 'own'], (query, signal) =>
    taken(
      account === null
        ? api.GET('/api/v1/tokens', { params: { query }, signal })
        : api.GET('/api/v1/accounts/{id}/tokens', { params: { path: { id: account.id }, query }, signal }),
    ),
  )
  return (
    <section aria-label={t('admin.tokens.of')}>
      <h3>{t('admin.tokens.of')}</h3>
      {list.query.isPending ? <Skeleton rows={2} /> : null}
      {list.query.isError ? <Failed error={list.query.error} onRetry={() => void list.query.refetch()} /> : null}
      {list.query.isSuccess && list.rows.length === 0 ? <p className="muted">{t('admin.tokens.none')}</p> : null}
      <ul className="plain-list">
        {list.rows.map((token) => (
          <li key={token.id}>
            <span>
              <bdi className="name">{token.kind === 'token' ? token.label : t(`admin.tokens.kind.${token.kind}`)}</bdi>
              {token.current ? <strong> {t('admin.tokens.this')}</strong> : null}
              <br />
              <Facts token={token} />
            </span>
            {token.current ? null : <Revoke token={token} account={account} />}
          </li>
        ))}
      </ul>
      {list.more ? (
        <button type="button" className="button" onClick={list.next}>
          {t('admin.more')}
        </button>
      ) : null}
    </section>
  )
}

function Facts({ token }: { token: Token }) {
  const { t } = useTranslation()
  return (
    <span className="muted">
      {t(`admin.tokens.kind.${token.kind}`)} · {token.address === '' ? t('admin.tokens.nowhere') : token.address} ·{' '}
      <Age at={token.created_at} /> ·{' '}
      {token.expires_at === null ? (
        t('admin.tokens.forEver')
      ) : (
        <>
          {t('admin.tokens.until')} <Moment at={token.expires_at} />
        </>
      )}
    </span>
  )
}

function Revoke({ token, account }: { token: Token; account: { id: number; name: string } | null }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id } = token
  const label = token.kind === 'token' ? token.label : t(`admin.tokens.kind.${token.kind}`)
  return (
    <Confirm
      button={t('admin.tokens.revoke')}
      of={label}
      title={t('admin.tokens.revokeTitle', { label })}
      yes={t('admin.tokens.revoke')}
      act={() =>
        taken(
          account === null
            ? api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })
            : api.DELETE('/api/v1/accounts/{id}/tokens/{token}', {
                params: { path: { id: account.id, token: id } },
              }),
        )
      }
      onDone={() => {
        say(t('admin.tokens.revoked', { label }))
        void queries.invalidateQueries({ queryKey: [CREDENTIALS] })
      }}
    >
      <p>{token.kind === 'token' ? t('admin.tokens.revokeText') : t('admin.tokens.endText')}</p>
    </Confirm>
  )
}

/** Ends this browser's own session. */
export function SignOut() {
  const { t } = useTranslation()
  const signOut = useSignOut()
  return (
    <button type="button" className="button" onClick={() => signOut.mutate()}>
      {t('admin.account.signOut')}
    </button>
  )
}
