import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, given, taken } from '../api/client.ts'
import { zAccountChange } from '../contract/zod.gen.ts'
import { Failed, Moment, Skeleton } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Sent } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { ACCOUNTS, type Account, stateOf } from './accounts.tsx'
import { Confirm } from './confirm.tsx'
import { Credentials } from './credentials.tsx'
import { ROLES_OF } from './roles.ts'
import { personRoute } from './routes.ts'
import { useOne } from './rows.ts'
import { Secret } from './secret.tsx'
import './admin.css'
import './words.ts'
import '../ui/words.ts'
import '../people/words.ts'

/** One account: its role, whether it may sign in, its password, and what it is signed in with. */
export function PersonPage() {
  const { t } = useTranslation()
  const id = Number(personRoute.useParams().id)
  const query = useOne([ACCOUNTS, 'one', id], (signal) => ask(id, signal))
  const account = query.data
  return (
    <Detail title={account?.name ?? t('admin.accounts.title')} list="/admin/accounts" query={query}>
      {account === undefined ? null : <Person key={id} account={account} />}
      {account === undefined && query.isError ? (
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {account === undefined && !query.isError ? <Skeleton /> : null}
    </Detail>
  )
}

const ask = (id: number, signal?: AbortSignal) =>
  taken(api.GET('/api/v1/accounts/{id}', { params: { path: { id } }, ...given({ signal }) }))

const change = (id: number, body: { active?: boolean; role?: never }, match: string) =>
  taken(api.PATCH('/api/v1/accounts/{id}', { params: { path: { id }, header: { 'If-Match': match } }, body }))

function Person({ account }: { account: Account }) {
  const { t } = useTranslation()
  const { who } = usePage()
  const queries = useQueryClient()
  const [password, setPassword] = useState<string | null>(null)
  const { id, name, role, org, active, version } = account
  const own = name === who.user
  const changed = (now: Account) => {
    queries.setQueryData([ACCOUNTS, 'one', id], now)
    void queries.invalidateQueries({ queryKey: [ACCOUNTS] })
  }
  const of = { name }
  return (
    <>
      <header className="detail-head">
        <Title>
          <bdi>{name}</bdi>
        </Title>
        <p className="muted">{t(stateOf(account))}</p>
      </header>
      <dl className="facts">
        <dt>{t('admin.accounts.org')}</dt>
        <dd>
          <bdi>{org.name}</bdi> <span className="muted">{t(`people.kind.${org.kind}`)}</span>
        </dd>
        <dt>{t('admin.accounts.made')}</dt>
        <dd>
          <Moment at={account.created_at} />
        </dd>
        <dt>{t('admin.accounts.last')}</dt>
        <dd>{account.last_login_at === null ? t('admin.accounts.never') : <Moment at={account.last_login_at} />}</dd>
      </dl>
      {own || role === 'staff' ? (
        <section>
          <h3>{t('admin.accounts.role')}</h3>
          <p>
            {t(`people.role.${role}`)}{' '}
            <span className="muted">{own ? t('admin.accounts.own') : t('admin.accounts.staff')}</span>
          </p>
        </section>
      ) : (
        <Role account={account} onDone={changed} />
      )}
      {own ? null : (
        <section>
          <h3>{t('admin.accounts.signIn')}</h3>
          {password === null ? null : (
            <Secret
              title={t('admin.accounts.password', of)}
              value={password}
              note={t('admin.accounts.passwordNote')}
              onClose={() => setPassword(null)}
            />
          )}
          <div className="acts">
            <Confirm
              button={t('admin.accounts.reset')}
              title={t('admin.accounts.resetTitle', of)}
              yes={t('admin.accounts.reset')}
              act={() => taken(api.POST('/api/v1/accounts/{id}/reset', { params: { path: { id } } }))}
              onDone={({ password: made, ...now }) => {
                setPassword(made)
                changed(now)
              }}
            >
              <p>{t('admin.accounts.resetText', of)}</p>
            </Confirm>
            {active ? (
              <Confirm
                button={t('admin.accounts.block')}
                title={t('admin.accounts.blockTitle', of)}
                yes={t('admin.accounts.block')}
                act={() => change(id, { active: false }, `"${version}"`)}
                onDone={(now) => {
                  changed(now)
                  say(t('admin.accounts.blocked', of))
                }}
              >
                <p>{t('admin.accounts.blockText', of)}</p>
              </Confirm>
            ) : (
              <Confirm
                button={t('admin.accounts.unblock')}
                title={t('admin.accounts.unblockTitle', of)}
                yes={t('admin.accounts.unblock')}
                act={() => change(id, { active: true }, `"${version}"`)}
                onDone={(now) => {
                  changed(now)
                  say(t('admin.accounts.unblocked', of))
                }}
              >
                <p>{t('admin.accounts.unblockText', of)}</p>
              </Confirm>
            )}
          </div>
        </section>
      )}
      <Credentials account={own ? null : { id, name }} />
    </>
  )
}

function Role({ account, onDone }: { account: Account; onDone: (now: Account) => void }) {
  const { t } = useTranslation()
  const { id, name, org } = account
  const { form, sending, dirty, theirs, takeTheirs, giveUp } = useEditing({
    name: `account.${id}`,
    schema: zAccountChange,
    item: account,
    values: ({ role }) => ({ role: role as never }),
    send: (changed, match) => change(id, changed as { role?: never }, match),
    fresh: () => ask(id),
    onDone: (now) => {
      onDone(now)
      say(t('admin.accounts.changed', { name, role: t(`people.role.${now.role}`) }))
    },
  })
  const roles = ROLES_OF[org.kind]
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)}>
      <section>
        <Field
          label={t('admin.accounts.role')}
          hint={dirty ? t('admin.accounts.roleText', { name }) : t('admin.accounts.roleHint')}
          error={form.formState.errors.role}
        >
          <select {...form.register('role')}>
            {roles.map((each) => (
              <option key={each} value={each}>
                {t(`people.role.${each}`)}
              </option>
            ))}
          </select>
        </Field>
        <Conflict
          mine={form.getValues()}
          theirs={theirs === null ? null : { role: theirs.role as never }}
          names={{ role: t('admin.accounts.role') }}
          show={(_, value) => t(`people.role.${value as 'noc'}`)}
          onTheirs={takeTheirs}
        />
        {dirty && theirs === null ? (
          <Acts busy={sending.busy} error={sending.error} onCancel={giveUp}>
            {t('admin.accounts.giveRole')}
          </Acts>
        ) : (
          <Sent error={sending.error} />
        )}
      </section>
    </form>
  )
}
