import { Link, type LinkProps, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { api, given, type Schemas, taken } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { Age, Moment } from '../ui/bits.tsx'
import { Main } from '../ui/main.tsx'
import { CREDENTIALS } from './credentials.tsx'
import { TOKEN_KINDS, tokensRoute } from './routes.ts'
import { useRows } from './rows.ts'
import './admin.css'
import './words.ts'
import '../people/words.ts'

type Credential = Schemas['Credential']

const link = ({ account }: Credential): LinkProps => ({
  to: '/admin/accounts/$id',
  params: { id: String(account.id) },
})
const look = () => 'token'

/** All that is signed in, of every account that this one manages; each row leads to where it can be ended. */
export function TokensPage() {
  const { t } = useTranslation()
  const search = tokensRoute.useSearch()
  const { q, kind } = search
  const navigate = useNavigate({ from: tokensRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const list = useRows([CREDENTIALS, 'all', search], (page, signal) =>
    taken(api.GET('/api/v1/credentials', { params: { query: { ...page, ...given({ q, kind }) } }, signal })),
  )
  const rows = useMemo(() => list.rows.map((item) => ({ key: String(item.id), item, gone: false })), [list.rows])
  const ask = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  return (
    <Main title={t('admin.tokens.title')} wide>
      <Panel
        id="tokens"
        title={t('admin.tokens.title')}
        list={list}
        total={null}
        filtered={q !== undefined || kind !== undefined}
        onClear={() => ask({ q: undefined, kind: undefined })}
        empty={t('admin.tokens.empty')}
        tools={
          <Link to="/account" className="button">
            {t('admin.tokens.makeOwn')}
          </Link>
        }
        filters={
          <>
            <Search
              value={q ?? ''}
              onChange={(typed) => ask({ q: typed || undefined })}
              hint={t('admin.tokens.hint')}
            />
            <label className="labelled-select">
              {t('admin.tokens.what')}
              <select
                value={kind ?? ''}
                onChange={(event) => ask({ kind: TOKEN_KINDS.find((each) => each === event.target.value) })}
              >
                <option value="">{t('admin.any')}</option>
                {TOKEN_KINDS.map((each) => (
                  <option key={each} value={each}>
                    {t(`admin.tokens.kind.${each}`)}
                  </option>
                ))}
              </select>
            </label>
          </>
        }
      >
        <Grid
          label={t('admin.tokens.title')}
          columns={useColumns()}
          main="account"
          rows={rows}
          link={link}
          look={look}
          chosen={chosen}
          onChosen={setChosen}
          onEnd={list.next}
        />
      </Panel>
    </Main>
  )
}

function useColumns(): readonly Column<Credential>[] {
  const { t } = useTranslation()
  return useMemo(
    () => [
      {
        id: 'account',
        head: t('admin.accounts.name'),
        width: 'minmax(0, 2fr)',
        cell: ({ account }) => <bdi className="name">{account.name}</bdi>,
      },
      {
        id: 'role',
        head: t('admin.accounts.role'),
        width: 'minmax(0, 1fr)',
        from: 900,
        cell: ({ role }) => t(`people.role.${role}`),
      },
      {
        id: 'org',
        head: t('admin.accounts.org'),
        width: 'minmax(0, 2fr)',
        from: 900,
        cell: ({ org }) => <bdi>{org.name}</bdi>,
      },
      {
        id: 'what',
        head: t('admin.tokens.what'),
        width: 'minmax(0, 2fr)',
        cell: (token) => (
          <>
            {t(`admin.tokens.kind.${token.kind}`)}
            {token.kind === 'token' ? <bdi> · {token.label}</bdi> : null}
            {token.current ? <strong> {t('admin.tokens.this')}</strong> : null}
          </>
        ),
      },
      {
        id: 'address',
        head: t('admin.tokens.address'),
        width: 'minmax(0, 1fr)',
        from: 700,
        cell: ({ address }) => address || '–',
      },
      {
        id: 'made',
        head: t('admin.tokens.made'),
        width: '110px',
        figure: true,
        cell: (token) => <Age at={token.created_at} />,
      },
      {
        id: 'ends',
        head: t('admin.tokens.ends'),
        width: '140px',
        figure: true,
        from: 700,
        cell: ({ expires_at }) => (expires_at === null ? t('admin.tokens.forEver') : <Moment at={expires_at} />),
      },
    ],
    [t],
  )
}
