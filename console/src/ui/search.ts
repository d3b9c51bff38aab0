/** Search parameters as the API writes them: plain words, and a name several times for several values. */

type Value = string | readonly string[]

export function parseSearch(text: string): Record<string, Value> {
  const found: Record<string, Value> = {}
  const given = new URLSearchParams(text)
  for (const name of new Set(given.keys())) {
    const values = given.getAll(name)
    found[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  return found
}

export function stringifySearch(search: Record<string, unknown>): string {
  const said = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') said.append(name, String(one))
    }
  }
  const text = said.toString()
  return text === '' ? '' : `?${text}`
}
