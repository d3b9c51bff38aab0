import { type LinkProps, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { OrgPick } from '../admin/org-pick.tsx'
import { useRows } from '../admin/rows.ts'
import { api, given, taken } from '../api/client.ts'
import type { Column } from '../list/columns.ts'
import { Grid, useChosen } from '../list/grid.tsx'
import { Panel } from '../list/panel.tsx'
import { Search } from '../list/search.tsx'
import { Moment } from '../ui/bits.tsx'
import { usePage } from '../ui/context.tsx'
import { Main } from '../ui/main.tsx'
import { ACTIONS, useAction } from './actions.ts'
import type { Entry } from './chain.ts'
import { auditRoute } from './routes.ts'
import { Verify } from './verify.tsx'
import '../admin/admin.css'
import './audit.css'
import './words.ts'

/** Who did what, and whether the record of it is whole. */
const look = () => 'entry'

export function AuditPage() {
  const { t } = useTranslation()
  const { who } = usePage()
  const search = auditRoute.useSearch()
  const { q, actor, action, from, to, entry } = search
  const org = search.org ?? who.org.id
  const navigate = useNavigate({ from: auditRoute.fullPath })
  const [chosen, setChosen] = useChosen()
  const names = useAction()
  const asked = { q, actor, action, from: dayStart(from), to: dayEnd(to), org: search.org }
  const list = useRows<Entry>(['audit', asked], (page, signal) =>
    taken(api.GET('/api/v1/audit', { params: { query: { ...page, ...given(asked) } }, signal })),
  )
  const rows = useMemo(() => list.rows.map((item) => ({ key: String(item.position), item, gone: false })), [list.rows])
  const ask = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const link = useCallback(
    ({ position }: Entry): LinkProps => ({
      to: '/admin/audit',
      search: { ...search, entry: position === entry ? undefined : position } as never,
    }),
    [search, entry],
  )
  const below = useCallback((item: Entry) => (item.position === entry ? <Whole entry={item} /> : null), [entry])
  return (
    <Main title={t('audit.title')} wide>
      <div className="audit">
        <Panel
          id="audit"
          title={t('audit.title')}
          list={list}
          total={null}
          filtered={[q, actor, action, from, to].some((value) => value !== undefined)}
          onClear={() => ask({ q: undefined, actor: undefined, action: undefined, from: undefined, to: undefined })}
          empty={t('audit.empty')}
          filters={
            <>
              <Search value={q ?? ''} onChange={(typed) => ask({ q: typed || undefined })} hint={t('audit.hint')} />
              <label className="labelled-select">
                {t('audit.action')}
                <select value={action ?? ''} onChange={(event) => ask({ action: event.target.value || undefined })}>
                  <option value="">{t('audit.any')}</option>
                  {ACTIONS.map((each) => (
                    <option key={each} value={each}>
                      {names(each)}
                    </option>
                  ))}
                </select>
              </label>
              <label className="labelled-select">
                {t('audit.from')}
                <input
                  type="date"
                  value={from ?? ''}
                  onChange={(event) => ask({ from: event.target.value || undefined })}
                />
              </label>
              <label className="labelled-select">
                {t('audit.to')}
                <input
                  type="date"
                  value={to ?? ''}
                  onChange={(event) => ask({ to: event.target.value || undefined })}
                />
              </label>
            </>
          }
        >
          <Grid
            label={t('audit.title')}
            columns={useColumns()}
            main="action"
            rows={rows}
            link={link}
            look={look}
            chosen={chosen}
            onChosen={setChosen}
            onEnd={list.next}
            below={below}
          />
        </Panel>
        <aside className="audit-side" aria-label={t('audit.verify.title')}>
          {who.org.kind === 'operator' ? (
            <OrgPick
              label={t('audit.whose')}
              value={search.org ?? null}
              none={t('audit.ownChain')}
              onChange={(chain) => ask({ org: chain.id, entry: undefined })}
              onNone={() => ask({ org: undefined, entry: undefined })}
            />
          ) : null}
          <Verify key={org} org={org} />
        </aside>
      </div>
    </Main>
  )
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** A day as somebody means it: in the zone of their clock. */
function dayStart(day: string | undefined): string | undefined {
  if (day === undefined || !DAY.test(day)) return undefined
  const at = new Date(`${day}T00:00:00`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

function dayEnd(day: string | undefined): string | undefined {
  const start = dayStart(day)
  if (start === undefined) return undefined
  const at = new Date(start)
  at.setDate(at.getDate() + 1)
  return at.toISOString()
}

function useColumns(): readonly Column<Entry>[] {
  const { t } = useTranslation()
  const names = useAction()
  return useMemo(
    () => [
      { id: 'at', head: t('audit.at'), width: '150px', cell: ({ at }) => <Moment at={at} /> },
      {
        id: 'actor',
        head: t('audit.actor'),
        width: 'minmax(0, 1fr)',
        cell: ({ actor }) => <bdi className="name">{actor}</bdi>,
      },
      { id: 'action', head: t('audit.action'), width: 'minmax(0, 2fr)', cell: ({ action }) => names(action) },
      {
        id: 'subject',
        head: t('audit.subject'),
        width: 'minmax(0, 2fr)',
        cell: ({ subject }) => <bdi className="code">{subject}</bdi>,
      },
      {
        id: 'position',
        head: t('audit.position'),
        width: '64px',
        figure: true,
        from: 640,
        cell: ({ position }) => position,
      },
    ],
    [t, names],
  )
}

/** One entry to its last letter: what was hashed, and the hashes. */
function Whole({ entry }: { entry: Entry }) {
  const { t } = useTranslation()
  return (
    // biome-ignore lint/a11y/useSemanticElements: a row of the list, which is no table of the browser's
    <div role="cell" className="whole-cell">
      <dl className="facts whole">
        <dt>{t('audit.position')}</dt>
        <dd>{entry.position}</dd>
        <dt>{t('audit.at')}</dt>
        <dd className="code">{entry.at}</dd>
        <dt>{t('audit.action')}</dt>
        <dd className="code">{entry.action}</dd>
        {Object.entries(entry.detail).map(([name, value]) => [
          <dt key={name} className="code">
            {name}
          </dt>,
          <dd key={`${name} value`}>
            <bdi>{String(value)}</bdi>
          </dd>,
        ])}
        <dt>{t('audit.hash')}</dt>
        <dd className="code">{entry.hash}</dd>
        <dt>{t('audit.previous')}</dt>
        <dd className="code">{entry.previous}</dd>
      </dl>
    </div>
  )
}
