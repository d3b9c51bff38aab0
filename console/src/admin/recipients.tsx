import { Link, type LinkProps, useMatchRoute, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { api, given, type Schemas, taken } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { Age, useLanguage } from '../ui/bits.tsx'
import { Split } from '../ui/split.tsx'
import { recipientsRoute } from './routes.ts'
import { useRows } from './rows.ts'
import './admin.css'
import './words.ts'

export type Recipient = Schemas['Recipient']
export const RECIPIENTS = 'recipients'

export function RecipientsPage() {
  const { t } = useTranslation()
  return <Split title={t('admin.recipients.title')} list={<Recipients />} />
}

const link = ({ id }: Recipient): LinkProps => ({
  to: '/admin/recipients/$id',
  params: { id: String(id) },
  search: true as never,
})
const look = ({ failing_since }: Recipient) => `recipient ${failing_since === null ? '' : 'row-ill'}`

/** How a recipient fares, in one word. */
export function fares({ active, failing_since, told_at }: Recipient) {
  if (failing_since !== null) return 'admin.recipients.is.failing'
  if (!active) return 'admin.recipients.is.off'
  return told_at === null ? 'admin.recipients.is.unproved' : 'admin.recipients.is.well'
}

function Recipients() {
  const { t } = useTranslation()
  const language = useLanguage()
  const search = recipientsRoute.useSearch()
  const navigate = useNavigate({ from: recipientsRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const making = useMatchRoute()({ to: '/admin/recipients/new' }) !== false
  const list = useRows([RECIPIENTS, 'list', language, search], (page, signal) =>
    taken(api.GET('/api/v1/recipients', { params: { query: { ...page, ...given({ q: search.q }) } }, signal })),
  )
  const rows = useMemo(() => list.rows.map((item) => ({ key: String(item.id), item, gone: false })), [list.rows])
  const ask = (q: string | undefined) =>
    void navigate({ to: '.', search: (before) => ({ ...before, q }), replace: true })
  return (
    <Panel
      id="recipients"
      title={t('admin.recipients.title')}
      list={list}
      total={null}
      filtered={search.q !== undefined}
      onClear={() => ask(undefined)}
      empty={
        <>
          {t('admin.recipients.empty')}{' '}
          <Link to="/admin/recipients/new" search={true}>
            {t('admin.recipients.add')}
          </Link>
        </>
      }
      tools={
        making ? null : (
          <Link to="/admin/recipients/new" search={true} className="button primary">
            {t('admin.recipients.add')}
          </Link>
        )
      }
      filters={
        <Search value={search.q ?? ''} onChange={(q) => ask(q || undefined)} hint={t('admin.recipients.hint')} />
      }
    >
      <Grid
        label={t('admin.recipients.title')}
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

function useColumns(): readonly Column<Recipient>[] {
  const { t } = useTranslation()
  return useMemo(
    () => [
      {
        id: 'name',
        head: t('admin.recipients.name'),
        width: 'minmax(0, 2fr)',
        cell: ({ name }) => <bdi className="name">{name}</bdi>,
      },
      {
        id: 'way',
        head: t('admin.recipients.way'),
        width: 'minmax(0, 1fr)',
        from: 620,
        cell: ({ address }) => <span className="code">{address}</span>,
      },
      {
        id: 'how',
        head: t('admin.recipients.how'),
        width: 'minmax(0, 2fr)',
        cell: (recipient) => (
          <span className={recipient.failing_since === null ? 'said-well' : 'said-ill'}>{t(fares(recipient))}</span>
        ),
      },
      {
        id: 'told',
        head: t('admin.recipients.told'),
        width: '110px',
        figure: true,
        cell: ({ told_at }) =>
          told_at === null ? <span className="muted">{t('admin.recipients.never')}</span> : <Age at={told_at} />,
      },
    ],
    [t],
  )
}
