/** What of `typed` isn't as in `known`; a field that is left empty is one that isn't there. Pure. */
export function differing<Values extends object>(typed: Values, known: Values): Partial<Values> {
  const same = (one: unknown, other: unknown) => (one ?? '') === (other ?? '')
  return Object.fromEntries(
    Object.entries(typed).filter(([field, value]) => !same(value, known[field as keyof Values])),
  ) as Partial<Values>
}
