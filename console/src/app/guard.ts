import type { WhoAmI } from '../api/client.ts'

/** What every route knows. */
export interface Context {
  readonly who: WhoAmI
}

/** Who lacks the right is told so, instead of seeing a page that the API refuses to fill. */
export class Forbidden extends Error {
  constructor() {
    super('forbidden')
    this.name = 'Forbidden'
  }
}

/** For a route's `beforeLoad`: only who has one of the rights, by their names in `people/rights.toml`. */
export const needs =
  (...rights: readonly string[]) =>
  ({ context }: { context: Context }): void => {
    if (!rights.some((right) => context.who.rights.includes(right))) throw new Forbidden()
  }
