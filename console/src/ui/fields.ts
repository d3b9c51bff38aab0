/**
 * Fields of an address's search parameters. What somebody mistyped, or an old link says, is left out: an address always
 * shows something. Functions rather than schemas: every page has them, and forms alone need more.
 */

/** What a field says, by what stands in the address; undefined: nothing. */
export type Read<T> = (value: unknown) => T | undefined

type Reads = Readonly<Record<string, Read<unknown>>>
type Said<Fields extends Reads> = { readonly [Name in keyof Fields]?: ReturnType<Fields[Name]> }

/**
 * What an address may say, for a route's `validateSearch`. What isn't said is there as undefined: the router lays what is
 * returned over what stands in the address, and would go on with that.
 */
export const searchOf =
  <Fields extends Reads>(fields: Fields) =>
  (search: Record<string, unknown>): Said<Fields> =>
    Object.fromEntries(Object.entries(fields).map(([name, read]) => [name, read(search[name])])) as Said<Fields>

const LONGEST = 100
const MOST = 50

/** One of these words. */
export const oneOf =
  <T extends string>(words: readonly T[]): Read<T> =>
  (value) =>
    words.find((word) => word === value)

/** Some of these words, in their order; undefined where none of them is there. */
export const someOf =
  <T extends string>(words: readonly T[]): Read<readonly T[]> =>
  (value) => {
    const said = Array.isArray(value) ? value : [value]
    const found = words.filter((word) => said.includes(word))
    return found.length === 0 ? undefined : found
  }

/** Free words, as somebody searches for them. */
export const words = (): Read<string> => (value) =>
  typeof value === 'string' && value.trim() !== '' ? value.slice(0, LONGEST) : undefined

/** Some free words; undefined where there is none. */
export const many = (): Read<readonly string[]> => (value) => {
  const said = (Array.isArray(value) ? value : [value]).map((one) => String(one ?? '').slice(0, LONGEST))
  const found = said.filter((one) => one !== '').slice(0, MOST)
  return found.length === 0 ? undefined : found
}

/** A whole number that is an id. */
export const id = (): Read<number> => (value) =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : typeof value === 'number' ? value : undefined
