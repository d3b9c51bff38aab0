import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, given, taken } from '../api/client.ts'
import { zRecipientChange } from '../contract/zod.gen.ts'
import { Age, Failed, Moment, Skeleton, useLanguage } from '../ui/bits.tsx'
import { useLive } from '../ui/context.tsx'
import { Detail } from '../ui/detail.tsx'
import { Conflict, useEditing } from '../ui/editing.tsx'
import { Acts, Field, Sent } from '../ui/form.tsx'
import { Title } from '../ui/main.tsx'
import { say } from '../ui/toasts.tsx'
import { Confirm } from './confirm.tsx'
import { LANGUAGE_NAMES } from './languages.ts'
import { fares, RECIPIENTS, type Recipient } from './recipients.tsx'
import { recipientRoute } from './routes.ts'
import './admin.css'
import './words.ts'
import '../ui/words.ts'

/** While a test is on its way its result is asked for this often, in ms. */
const LOOK_MS = 1_500
const LONGEST = 500
// The document keeps secrets out of what is read, and so out of its schemas' copies here.
export const zAddress = z.string().check(z.minLength(4), z.maxLength(LONGEST))
const schema = z.extend(zRecipientChange, { address: z.optional(z.union([z.literal(''), zAddress])) })

/** One recipient: what became of the last message, a test, and what it is. */
export function RecipientPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { begun } = useLive()
  const id = Number(recipientRoute.useParams().id)
  const query = useQuery({
    queryKey: [RECIPIENTS, 'one', language, id],
    queryFn: ({ signal }) => ask(id, signal),
    enabled: begun,
    refetchOnMount: 'always',
    refetchInterval: ({ state }) => (state.data?.test?.state === 'waiting' ? LOOK_MS : false),
  })
  const recipient = query.data
  return (
    <Detail title={recipient?.name ?? t('admin.recipients.title')} list="/admin/recipients" query={query}>
      {recipient === undefined ? null : <One key={id} recipient={recipient} />}
      {recipient === undefined && query.isError ? (
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {recipient === undefined && !query.isError ? <Skeleton /> : null}
    </Detail>
  )
}

const ask = (id: number, signal?: AbortSignal) =>
  taken(api.GET('/api/v1/recipients/{id}', { params: { path: { id } }, ...given({ signal }) }))

function One({ recipient }: { recipient: Recipient }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const queries = useQueryClient()
  const changed = (now: Recipient) => {
    queries.setQueryData([RECIPIENTS, 'one', language, now.id], now)
    void queries.invalidateQueries({ queryKey: [RECIPIENTS, 'list'] })
  }
  const { id, name, address } = recipient
  return (
    <>
      <header className="detail-head">
        <Title>
          <bdi>{name}</bdi>
        </Title>
        <p className={recipient.failing_since === null ? 'muted' : 'said-ill'}>{t(fares(recipient))}</p>
      </header>
      <dl className="facts">
        <dt>{t('admin.recipients.way')}</dt>
        <dd>
          <span className="code">{address}</span> <span className="muted">{t('admin.recipients.hidden')}</span>
        </dd>
        <dt>{t('admin.recipients.of')}</dt>
        <dd>
          {recipient.dealer === null
            ? t('admin.recipients.ofOwn')
            : recipient.hospital === null
              ? t('admin.recipients.ofAll')
              : t('admin.recipients.ofOne')}
        </dd>
        <dt>{t('admin.recipients.told')}</dt>
        <dd>{recipient.told_at === null ? t('admin.recipients.never') : <Moment at={recipient.told_at} />}</dd>
        {recipient.failing_since === null ? null : (
          <>
            <dt>{t('admin.recipients.failing')}</dt>
            <dd>
              <Moment at={recipient.failing_since} />
            </dd>
          </>
        )}
        {recipient.error === '' ? null : (
          <>
            <dt>{t('admin.recipients.error')}</dt>
            <dd className="said-ill">{recipient.error}</dd>
          </>
        )}
      </dl>
      <Test recipient={recipient} onDone={changed} />
      <Edit recipient={recipient} onDone={changed} />
      {recipient.active ? (
        <div className="acts">
          <Confirm
            button={t('admin.recipients.stop')}
            title={t('admin.recipients.stopTitle', { name })}
            yes={t('admin.recipients.stop')}
            act={() => change(id, { active: false }, `"${recipient.version}"`)}
            onDone={changed}
          >
            <p>{t('admin.recipients.stopText')}</p>
          </Confirm>
        </div>
      ) : (
        <div className="acts">
          <Confirm
            button={t('admin.recipients.resume')}
            title={t('admin.recipients.resumeTitle', { name })}
            yes={t('admin.recipients.resume')}
            act={() => change(id, { active: true }, `"${recipient.version}"`)}
            onDone={changed}
          >
            <p>{t('admin.recipients.resumeText')}</p>
          </Confirm>
        </div>
      )}
    </>
  )
}

function Test({ recipient, onDone }: { recipient: Recipient; onDone: (now: Recipient) => void }) {
  const { t } = useTranslation()
  const { id, name, test, error } = recipient
  return (
    <section aria-label={t('admin.recipients.test')}>
      <h3>{t('admin.recipients.test')}</h3>
      <p role="status" className={test?.state === 'given-up' ? 'said-ill' : ''}>
        {test === null ? t('admin.recipients.untested') : null}
        {test?.state === 'waiting' ? t('admin.recipients.testing') : null}
        {test?.state === 'told' ? t('admin.recipients.testTold') : null}
        {test?.state === 'given-up' ? t('admin.recipients.testFailed', { why: error }) : null}
        {test === null ? null : (
          <span className="muted">
            {' '}
            <Age at={test.at} />
          </span>
        )}
      </p>
      <div className="acts">
        <Confirm
          button={t('admin.recipients.send')}
          title={t('admin.recipients.sendTitle', { name })}
          yes={t('admin.recipients.send')}
          act={() => taken(api.POST('/api/v1/recipients/{id}/test', { params: { path: { id } } }))}
          onDone={onDone}
        >
          <p>{t('admin.recipients.sendText')}</p>
        </Confirm>
      </div>
    </section>
  )
}

interface Values {
  name?: string | null | undefined
  language?: 'zh' | 'en' | null | undefined
  heads?: boolean | null | undefined
  active?: boolean | null | undefined
  address?: string | undefined
}

const change = (id: number, body: Values, match: string) =>
  taken(
    api.PATCH('/api/v1/recipients/{id}', {
      params: { path: { id }, header: { 'If-Match': match } },
      body: body as never,
    }),
  )

const valuesOf = ({ name, language, heads }: Recipient): Values => ({ name, language, heads, address: '' })

function Edit({ recipient, onDone }: { recipient: Recipient; onDone: (now: Recipient) => void }) {
  const { t } = useTranslation()
  const { form, sending, dirty, theirs, takeTheirs, giveUp } = useEditing<Recipient, Values>({
    name: `recipient.${recipient.id}`,
    schema: schema as never,
    item: recipient,
    values: valuesOf,
    send: (changed, match) => change(recipient.id, changed, match),
    fresh: () => ask(recipient.id),
    onDone: (now) => {
      onDone(now)
      say(t('admin.recipients.changed', { name: now.name }))
    },
  })
  const { errors } = form.formState
  return (
    <form className="form" onSubmit={form.handleSubmit(sending.send)}>
      <h3>{t('admin.recipients.edit')}</h3>
      <Field label={t('admin.recipients.name')} error={errors.name}>
        <input {...form.register('name')} autoComplete="off" />
      </Field>
      <Field
        label={t('admin.recipients.newAddress')}
        hint={t('admin.recipients.newAddressHint')}
        error={errors.address}
      >
        <input {...form.register('address')} autoComplete="off" autoCapitalize="none" spellCheck={false} />
      </Field>
      <Field label={t('admin.recipients.language')} error={errors.language}>
        <select {...form.register('language')}>
          <option value="zh">{LANGUAGE_NAMES.zh}</option>
          <option value="en">{LANGUAGE_NAMES.en}</option>
        </select>
      </Field>
      <label className="tick">
        <input type="checkbox" {...form.register('heads')} />
        {t('admin.recipients.heads')}
      </label>
      <Conflict
        mine={form.getValues()}
        theirs={theirs === null ? null : valuesOf(theirs)}
        names={{
          name: t('admin.recipients.name'),
          language: t('admin.recipients.language'),
          heads: t('admin.recipients.heads'),
          address: t('admin.recipients.newAddress'),
        }}
        show={(field, value) =>
          field === 'heads'
            ? t(value === true ? 'admin.yes' : 'admin.no')
            : field === 'language'
              ? LANGUAGE_NAMES[value as 'zh']
              : field === 'address' && value === ''
                ? t('admin.recipients.hidden')
                : String(value ?? '')
        }
        onTheirs={takeTheirs}
      />
      {dirty && theirs === null ? (
        <Acts busy={sending.busy} error={sending.error} onCancel={giveUp} />
      ) : (
        <Sent error={sending.error} />
      )}
    </form>
  )
}
