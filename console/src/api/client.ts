/** The API, typed by its OpenAPI document. Every failure is one `Failure`. */

import createClient from 'openapi-fetch'
import type { components, paths } from '../contract.d.ts'
import { language } from '../words/i18n.ts'

export type Schemas = components['schemas']
export type Device = Schemas['Device']
export type DeviceDetail = Schemas['DeviceDetail']
export type Alert = Schemas['Alert']
export type Ticket = Schemas['Ticket']
export type TicketDetail = Schemas['TicketDetail']
export type Series = Schemas['Series']
export type WhoAmI = Schemas['WhoAmI']
export type Severity = Alert['severity']

/** What the API refused, or that it could not be asked. `code` is stable; `network` and `unknown` are ours. */
export class Failure extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfterS: number | null
  /** Where the fault is, as the API says it: `body.name`; empty: nowhere. */
  readonly where: string
  /** The API's own sentence, in English. */
  readonly detail: string

  constructor(status: number, code: string, retryAfterS: number | null = null, where = '', detail = '') {
    super(`${status} ${code}`)
    this.name = 'Failure'
    this.status = status
    this.code = code
    this.retryAfterS = retryAfterS
    this.where = where
    this.detail = detail
  }
}

const REQUEST_LASTS_MS = 20_000
const CSRF = 'X-Steth-Csrf'

/** `fetch` with an end. Whoever asked may end it too; whatever else goes wrong, nobody knows whether it was done. */
const bounded = async (request: Request): Promise<Response> => {
  const end = new AbortController()
  request.signal.addEventListener('abort', () => end.abort())
  setTimeout(() => end.abort(), REQUEST_LASTS_MS) // also of a body that drips
  try {
    return await fetch(request, { signal: end.signal })
  } catch (error) {
    if (request.signal.aborted) throw error
    throw new Failure(0, 'network')
  }
}

export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin', fetch: bounded })

api.use({
  onRequest({ request }) {
    const headers = new Headers(request.headers)
    headers.set('Accept-Language', language())
    if (request.method !== 'GET') headers.set(CSRF, '1')
    return new Request(request, { headers, cache: 'no-store' })
  },
})

interface Answered<T> {
  readonly data?: T | undefined
  readonly error?: unknown
  readonly response: Response
}

/** The answer's body, or the failure it tells of. */
export async function taken<T>(asked: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await asked
  if (response.ok) return data as T
  const problem = isProblem(error) ? error : null
  const wait = Number.parseInt(response.headers.get('Retry-After') ?? '', 10)
  throw new Failure(
    response.status,
    problem?.code ?? 'unknown',
    Number.isNaN(wait) ? null : wait,
    problem?.where ?? '',
    problem?.detail ?? '',
  )
}

function isProblem(body: unknown): body is Schemas['ProblemShape'] {
  return typeof body === 'object' && body !== null && typeof (body as { code?: unknown }).code === 'string'
}

/** A key for one thing a person did, however often it is sent. `crypto.randomUUID` is missing where there is no TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** A request's parameters without those that aren't given. */
export const given = <T extends object>(parameters: T): Given<T> =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)) as never
