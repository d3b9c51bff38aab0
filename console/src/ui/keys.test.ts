import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'vitest'
import { CHART_KEYS, KEYS, ROW_KEYS } from './keys.ts'

const source = new URL('../', import.meta.url)
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|^testing|^contract|keys\.ts$/.test(name))
  .map((name) => [name, readFileSync(new URL(name, source), 'utf8')] as const)

test('a key is bound by the tables that the help shows, and no other way', () => {
  const own = /\bkey\s*[!=]==?\s*'(?:.|Enter|Escape|Home|End|Tab|Page\w+|Arrow\w+)'/
  assert.deepEqual(
    code.filter(([, text]) => own.test(text)).map(([name]) => name),
    [],
  )
})

test('each key of the tables is bound', () => {
  const all = code
    .filter(([name]) => !name.endsWith('words.ts'))
    .map(([, text]) => text)
    .join('\n')
  for (const what of [KEYS, ROW_KEYS, CHART_KEYS].flatMap((table) => Object.keys(table)))
    assert.match(all, new RegExp(`\\b${what}(:| }|,)|'${what}'`), what)
})
