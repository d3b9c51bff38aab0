import { Link, type LinkProps, useMatchRoute, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { api, given, type Schemas, taken } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { Age } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Split } from '../ui/split.tsx'
import { accountsRoute, ROLES, STATES } from './routes.ts'
import { useRows } from './rows.ts'
import './admin.css'
import './words.ts'
import '../people/words.ts'

export type Account = Schemas['Account']

/** The first part of the keys of all that is known of accounts. */
export const ACCOUNTS = 'accounts'

export function AccountsPage() {
  const { t } = useTranslation()
  return <Split title={t('admin.accounts.title')} list={<Accounts />} />
}

const link = ({ id }: Account): LinkProps => ({
  to: '/admin/accounts/$id',
  params: { id: String(id) },
  search: true as never,
})
const look = ({ active: may }: Account) => (may ? 'account' : 'account off')

function Accounts() {
  const { t } = useTranslation()
  const search = accountsRoute.useSearch()
  const { q, role, state } = search
  const navigate = useNavigate({ from: accountsRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const making = useMatchRoute()({ to: '/admin/accounts/new' }) !== false
  const active = state === undefined ? undefined : state === 'active'
  const list = useRows([ACCOUNTS, 'list', search], (page, signal) =>
    taken(api.GET('/api/v1/accounts', { params: { query: { ...page, ...given({ q, role, active }) } }, signal })),
  )
  const rows = useMemo(() => list.rows.map((item) => ({ key: String(item.id), item, gone: false })), [list.rows])
  const ask = (change: Partial<typeof search>) =>
    void navigate({ to: '.', search: (before) => ({ ...before, ...change }), replace: true })
  return (
    <Panel
      id="accounts"
      title={t('admin.accounts.title')}
      list={list}
      total={null}
      filtered={[q, role, state].some((value) => value !== undefined)}
      onClear={() => ask({ q: undefined, role: undefined, state: undefined })}
      empty={t('admin.accounts.empty')}
      tools={
        making ? null : (
          <Link to="/admin/accounts/new" search={true} className="button primary">
            {t('admin.accounts.add')}
          </Link>
        )
      }
      filters={
        <>
          <Search
            value={q ?? ''}
            onChange={(typed) => ask({ q: typed || undefined })}
            hint={t('admin.accounts.hint')}
          />
          <label className="labelled-select">
            {t('admin.accounts.role')}
            <select
              value={role ?? ''}
              onChange={(event) => ask({ role: ROLES.find((each) => each === event.target.value) })}
            >
              <option value="">{t('admin.any')}</option>
              {ROLES.map((each) => (
                <option key={each} value={each}>
                  {t(`people.role.${each}`)}
                </option>
              ))}
            </select>
          </label>
          <label className="labelled-select">
            {t('admin.accounts.state')}
            <select
              value={state ?? ''}
              onChange={(event) => ask({ state: STATES.find((each) => each === event.target.value) })}
            >
              <option value="">{t('admin.any')}</option>
              {STATES.map((each) => (
                <option key={each} value={each}>
                  {t(`admin.accounts.is.${each}`)}
                </option>
              ))}
            </select>
          </label>
        </>
      }
    >
      <Grid
        label={t('admin.accounts.title')}
        columns={useColumns()}
        main="name"
        rows={rows}
        link={link}
        look={look}
        chosen={chosen}
        onChosen={setChosen}
        onEnd={list.next}
      />
    </Panel>
  )
}

/** How an account stands, in one word. */
export function stateOf({ active, password_made, last_login_at }: Account) {
  if (!active) return 'admin.accounts.is.blocked'
  if (password_made) return last_login_at === null ? 'admin.accounts.is.unused' : 'admin.accounts.is.toChoose'
  return 'admin.accounts.is.active'
}

function useColumns(): readonly Column<Account>[] {
  const { t } = useTranslation()
  const { who } = usePage()
  return useMemo(
    () => [
      {
        id: 'name',
        head: t('admin.accounts.name'),
        width: 'minmax(0, 2fr)',
        cell: ({ name }) => (
          <>
            <bdi className="name">{name}</bdi>
            {name === who.user ? <span className="muted"> {t('admin.accounts.you')}</span> : null}
          </>
        ),
      },
      {
        id: 'role',
        head: t('admin.accounts.role'),
        width: 'minmax(0, 1fr)',
        cell: ({ role }) => t(`people.role.${role}`),
      },
      {
        id: 'org',
        head: t('admin.accounts.org'),
        width: 'minmax(0, 2fr)',
        from: 620,
        cell: ({ org }) => <bdi>{org.name}</bdi>,
      },
      {
        id: 'state',
        head: t('admin.accounts.state'),
        width: 'minmax(0, 1fr)',
        cell: (account) => t(stateOf(account)),
      },
      {
        id: 'last',
        head: t('admin.accounts.last'),
        width: '110px',
        figure: true,
        cell: ({ last_login_at }) =>
          last_login_at === null ? (
            <span className="muted">{t('admin.accounts.never')}</span>
          ) : (
            <Age at={last_login_at} />
          ),
      },
    ],
    [t, who.user],
  )
}
