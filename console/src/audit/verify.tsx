import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, given, type Schemas, taken } from '../api/client.ts'
import { serverNow } from '../feed/server-time.ts'
import { Failed, Moment, Skeleton } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { Sent } from '../ui/form.tsx'
import { type Broken, csv, Descent, type Entry, type Head, headsOf } from './chain.ts'
import './audit.css'
import './words.ts'

const PAGE = 1_000

interface Verdict {
  readonly at: number
  readonly seen: number
  readonly broken: Broken | null
  readonly head: Schemas['AuditHead']
  /** How many heads that somebody kept it was held to. */
  readonly kept: number
  readonly stranger: number
}

const headQuery = (org: number, signal?: AbortSignal) =>
  taken(api.GET('/api/v1/audit/head', { params: { query: { org } }, ...given({ signal }) }))

/** All entries of a chain, the latest first, a page at a time. */
async function* entries(org: number, signal: AbortSignal): AsyncGenerator<readonly Entry[]> {
  let next: string | undefined
  do {
    const page = await taken(
      api.GET('/api/v1/audit', { params: { query: { org, limit: PAGE, ...given({ next }) } }, signal }),
    )
    yield page.items
    next = page.next ?? undefined
  } while (next !== undefined)
}

/** Whether the record is whole, computed here; what it was held to; and all that somebody needs to do it without us. */
export function Verify({ org }: { org: number }) {
  const { t } = useTranslation()
  const { begun } = useLive()
  const [kept, setKept] = useState<{ name: string; heads: readonly Head[] | null } | null>(null)
  const [done, setDone] = useState(0)
  const end = useRef(new AbortController())
  useEffect(() => {
    end.current = new AbortController()
    return () => end.current.abort()
  }, [])
  const head = useQuery({
    queryKey: ['audit', 'head', org],
    queryFn: ({ signal }) => headQuery(org, signal),
    enabled: begun,
    refetchOnMount: 'always',
  })
  const verifying = useMutation({
    mutationFn: async (): Promise<Verdict> => {
      setDone(0)
      const now = await headQuery(org)
      const mine = kept?.heads ?? []
      const of = mine.filter((one) => one.org === org)
      const said: Head = { org, entries: now.entries, hash: now.hash }
      const descent = new Descent(org, [said, ...(now.signed === null ? [] : [now.signed]), ...of])
      for await (const page of entries(org, end.current.signal)) {
        for (const entry of page) descent.step(entry)
        setDone(descent.seen)
      }
      descent.end()
      void head.refetch()
      const { broken, seen } = descent
      return { at: serverNow(), seen, broken, head: now, kept: of.length, stranger: mine.length - of.length }
    },
  })
  const verdict = verifying.data
  return (
    <>
      <section className="verify">
        <h2>{t('audit.verify.title')}</h2>
        <p className="muted">{t('audit.verify.lead')}</p>
        <p className="kept">
          <label>
            {t('audit.verify.kept')}{' '}
            <input
              type="file"
              accept=".jsonl,.json,.txt,.log,.eml"
              onChange={(event) => {
                const file = event.target.files?.[0]
                verifying.reset()
                if (file === undefined) setKept(null)
                else void file.text().then((said) => setKept({ name: file.name, heads: headsOf(said) }))
              }}
            />
          </label>
          <span className={kept?.heads === null ? 'said-ill' : 'muted'}>
            {kept === null
              ? t('audit.verify.keptHint')
              : kept.heads === null
                ? t('audit.verify.noHeads')
                : t('audit.verify.heads', { count: kept.heads.length })}
          </span>
        </p>
        <p>
          <button
            type="button"
            className="button primary"
            disabled={verifying.isPending}
            onClick={() => verifying.mutate()}
          >
            {t('audit.verify.go')}
          </button>
        </p>
        <div role="status" aria-live="polite">
          {verifying.isPending ? <p>{t('audit.verify.going', { done, of: head.data?.entries ?? '…' })}</p> : null}
          {verdict === undefined ? null : <Said verdict={verdict} />}
        </div>
        <Sent error={verifying.error} />
      </section>
      <section className="verify">
        <h2>{t('audit.head.title')}</h2>
        {head.isError ? <Failed error={head.error} onRetry={() => void head.refetch()} /> : null}
        {head.data === undefined ? head.isError ? null : <Skeleton rows={2} /> : <HeadFacts head={head.data} />}
      </section>
      <Export org={org} />
    </>
  )
}

/** What was found, in plain words: of which entries, when, against what; and what that doesn't show. */
function Said({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation()
  const { seen, broken, head, kept, stranger } = verdict
  const against = [
    t('audit.verify.byEnd', { count: head.entries }),
    head.signed === null ? t('audit.verify.byNoSigned') : t('audit.verify.bySigned', { entries: head.signed.entries }),
    kept === 0 ? t('audit.verify.byNone') : t('audit.verify.byKept', { count: kept }),
  ]
  return (
    <div className={broken === null ? 'verdict whole-chain' : 'verdict broken-chain'}>
      <p className="verdict-word">
        {broken === null
          ? seen === 0
            ? t('audit.verify.nothing')
            : t('audit.verify.whole', { count: seen })
          : t('audit.verify.broken', { position: broken.position })}
      </p>
      {broken === null ? null : (
        <>
          <p>{t(`audit.fault.${broken.fault}`, { position: broken.position })}</p>
          <p>
            {broken.position === 1 ? t('audit.verify.noneGood') : t('audit.verify.good', { to: broken.position - 1 })}{' '}
            {t('audit.verify.todo')}
          </p>
        </>
      )}
      <p>
        {t('audit.verify.when')} <Moment at={verdict.at} />
      </p>
      <p>{t('audit.verify.against')}</p>
      <ul>
        {against.map((each) => (
          <li key={each}>{each}</li>
        ))}
        {stranger === 0 ? null : <li>{t('audit.verify.strangers', { count: stranger })}</li>}
      </ul>
      <p className="muted">{kept === 0 ? t('audit.verify.limit') : t('audit.verify.limitKept')}</p>
    </div>
  )
}

function HeadFacts({ head }: { head: Schemas['AuditHead'] }) {
  const { t } = useTranslation()
  const { signed } = head
  return (
    <>
      <dl className="facts">
        <dt>{t('audit.head.entries')}</dt>
        <dd>{head.entries}</dd>
        <dt>{t('audit.hash')}</dt>
        <dd className="code">{head.hash}</dd>
        <dt>{t('audit.head.signed')}</dt>
        <dd>
          {signed === null ? (
            t('audit.head.unsigned')
          ) : (
            <>
              <Moment at={signed.at} /> · {t('audit.head.upTo', { entries: signed.entries })} ·{' '}
              <span className="code">{t('audit.head.key', { key: signed.key })}</span>
            </>
          )}
        </dd>
      </dl>
      <div className="acts">
        <button
          type="button"
          className="button"
          onClick={() => save(`steth-head-${head.org}-${head.entries}.jsonl`, `${JSON.stringify(signed ?? head)}\n`)}
        >
          {t('audit.head.keep')}
        </button>
        <span className="muted">{t('audit.head.why')}</span>
      </div>
    </>
  )
}

function Export({ org }: { org: number }) {
  const { t } = useTranslation()
  const end = useRef(new AbortController())
  useEffect(() => {
    end.current = new AbortController()
    return () => end.current.abort()
  }, [])
  const exporting = useMutation({
    mutationFn: async (as: 'csv' | 'jsonl') => {
      const all: Entry[] = []
      for await (const page of entries(org, end.current.signal)) all.push(...page)
      all.reverse()
      const name = `steth-audit-${org}-${all.length}.${as}`
      save(name, as === 'csv' ? csv(all) : all.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
      return name
    },
  })
  return (
    <section className="verify">
      <h2>{t('audit.export.title')}</h2>
      <p className="muted">{t('audit.export.lead')}</p>
      <p className="code">steth audit verify --entries FILE.jsonl --heads HEADS.jsonl --public KEY.pem</p>
      <div className="acts">
        <button
          type="button"
          className="button"
          disabled={exporting.isPending}
          onClick={() => exporting.mutate('jsonl')}
        >
          {t('audit.export.jsonl')}
        </button>
        <button type="button" className="button" disabled={exporting.isPending} onClick={() => exporting.mutate('csv')}>
          {t('audit.export.csv')}
        </button>
      </div>
      <p role="status">{exporting.data === undefined ? '' : t('audit.export.done', { name: exporting.data })}</p>
      <Sent error={exporting.error} />
    </section>
  )
}

/** Hands a text to the browser as a file. */
function save(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1_000)
}
