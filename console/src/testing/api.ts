/** An API made of its own document: each answer is the example that its shape has there, but for what a test says. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Document {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, Schema> }
}

interface Operation {
  readonly responses: Record<
    string,
    { readonly content?: Record<string, { readonly schema?: Schema; readonly example?: unknown }> }
  >
}

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly examples?: readonly unknown[]
  readonly example?: unknown
  readonly items?: Schema
  readonly properties?: Record<string, Schema>
}

const document: Document = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../docs/contract/openapi.json'), 'utf8'),
)

export interface Request {
  readonly method: string
  readonly path: string
  readonly search: URLSearchParams
  readonly body: unknown
}

/** `GET /api/v1/alerts` → its answer, or what makes it of the request; `undefined`: the example. */
export type Answers = Readonly<Record<string, unknown | ((request: Request) => unknown)>>

/** Puts it in the place of `fetch`; answers what was asked. A status other than 200: `new Response(…)`. */
export function answering(answers: Answers = {}): Request[] {
  const asked: Request[] = []
  globalThis.fetch = async (input, init) => {
    // Node.js knows no page that an address could be relative to, and takes no signal of jsdom's making.
    const { signal: _, ...rest } = init ?? {}
    const request =
      input instanceof globalThis.Request ? input : new globalThis.Request(new URL(input, location.href), rest)
    const url = new URL(request.url)
    const body = request.method === 'GET' ? undefined : await request.json().catch(() => undefined)
    const said: Request = { method: request.method, path: url.pathname, search: url.searchParams, body }
    asked.push(said)
    const own = answers[`${said.method} ${said.path}`] ?? answers[`${said.method} ${templateOf(said) ?? ''}`]
    const answer = typeof own === 'function' ? own(said) : (own ?? example(said))
    if (answer instanceof Response) return answer
    if (said.path === STREAM) return quiet()
    if (answer === undefined) return Response.json({ code: 'not_found' }, { status: 404 })
    return Response.json(answer)
  }
  return asked
}

const STREAM = '/api/v1/stream'

/** A stream that greets and then has nothing to tell. */
function quiet(): Response {
  const hello = `event: hello\ndata: ${JSON.stringify({ now: new Date().toISOString(), version: '0', resumed: true })}\n\n`
  const body = new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode(hello)) })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

function templateOf({ method, path }: Request): string | undefined {
  return Object.keys(document.paths).find(
    (template) =>
      document.paths[template]?.[method.toLowerCase()] !== undefined &&
      new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path),
  )
}

function example(request: Request): unknown {
  const template = templateOf(request)
  const operation = template === undefined ? undefined : document.paths[template]?.[request.method.toLowerCase()]
  const good = Object.entries(operation?.responses ?? {}).find(([status]) => status.startsWith('2'))
  const content = good?.[1].content?.['application/json']
  return content?.example ?? of(content?.schema)
}

/** The example of a shape, for a test to change. */
export const exampleOf = <T>(shape: string): T => of(document.components.schemas[shape]) as T

function of(schema: Schema | undefined): unknown {
  if (schema === undefined) return undefined
  if (schema.$ref !== undefined) return of(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''])
  if (schema.examples?.[0] !== undefined) return schema.examples[0]
  if (schema.example !== undefined) return schema.example
  if (schema.type === 'array') return [of(schema.items)].filter((each) => each !== undefined)
  if (schema.properties === undefined) return schema.type === 'object' ? {} : null
  return Object.fromEntries(Object.entries(schema.properties).map(([name, its]) => [name, of(its)]))
}
