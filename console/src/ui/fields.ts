/**
 * Fields of an address's search parameters. What somebody mistyped, or an old link says, is left out: an address always
 * shows something.
 */

import * as z from 'zod/mini'

const given = <T>(read: (value: unknown) => T | undefined) =>
  z.catch(z.optional(z.pipe(z.unknown(), z.transform(read))), undefined)

const LONGEST = 100
const MOST = 50

/** One of these words. */
export const oneOf = <T extends string>(words: readonly T[]) => given((value) => words.find((word) => word === value))

/** Some of these words, in their order; undefined where none of them is there. */
export const someOf = <T extends string>(words: readonly T[]) =>
  given((value): readonly T[] | undefined => {
    const said = Array.isArray(value) ? value : [value]
    const found = words.filter((word) => said.includes(word))
    return found.length === 0 ? undefined : found
  })

/** Free words, as somebody searches for them. */
export const words = () =>
  given((value) => (typeof value === 'string' && value.trim() !== '' ? value.slice(0, LONGEST) : undefined))

/** Some free words; undefined where there is none. */
export const many = () =>
  given((value): readonly string[] | undefined => {
    const said = (Array.isArray(value) ? value : [value]).map((one) => String(one ?? '').slice(0, LONGEST))
    const found = said.filter((one) => one !== '').slice(0, MOST)
    return found.length === 0 ? undefined : found
  })

/** A whole number that is an id. */
export const id = () =>
  given((value) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value)
      ? Number(value)
      : typeof value === 'number'
        ? value
        : undefined,
  )
