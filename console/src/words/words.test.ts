import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as subjects from './subjects.ts'

type Tree = { readonly [key: string]: string | Tree }

function flat(tree: Tree, before: string): [string, string][] {
  return Object.entries(tree).flatMap(([key, words]): [string, string][] =>
    typeof words === 'string' ? [[before + key, words]] : flat(words, `${before}${key}.`),
  )
}

const source = new URL('../', import.meta.url)
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
const spoken = (language: 'zh' | 'en') =>
  new Map(Object.entries(subjects).flatMap(([subject, its]) => flat(its[language], `${subject}.`)))
const [chinese, english] = [spoken('zh'), spoken('en')]
const blanks = (words: string): string[] => [...words.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort()

test('each folder that has words is a subject', () => {
  const folders = files.filter((name) => /^\w+.words\.ts$/.test(name)).map((name) => name.slice(0, -'/words.ts'.length))
  assert.deepEqual(Object.keys(subjects).sort(), folders.sort())
})

test('both languages have every key, with words and the same blanks in them', () => {
  assert.deepEqual([...english.keys()].sort(), [...chinese.keys()].sort())
  for (const [key, words] of chinese) {
    assert.notEqual(words.trim(), '', key)
    assert.notEqual(english.get(key)?.trim(), '', key)
    assert.deepEqual(blanks(english.get(key) ?? ''), blanks(words), key)
  }
})

test('Chinese is Chinese, and English has none of it but names', () => {
  const names = new Set(['app.name', 'ui.language.other', 'ui.language.switch'])
  const han = /\p{Script=Han}/u
  for (const [key, words] of english) if (!names.has(key)) assert.ok(!han.test(words), key)
  for (const [key, words] of chinese)
    if (!names.has(key) && words.length > 8 && !/\{\{/.test(words)) assert.ok(han.test(words), key)
})

test('no key is left over', () => {
  const code = files
    .filter((name) => /\.tsx?$/.test(name) && !/contract|words\.ts$|\.test\.ts$/.test(name))
    .map((name) => readFileSync(new URL(name, source), 'utf8'))
    .join('\n')
  const whole = new Set([...code.matchAll(/['"`]([a-z]\w*(?:\.[\w-]+)+)['"`]/g)].map((match) => match[1]))
  const begun = [...code.matchAll(/`([a-z][\w.]*\.?)\$\{/g)]
    .map((match) => match[1] ?? '')
    .filter((start) => start.includes('.'))
  const left = [...chinese.keys()].filter((key) => !whole.has(key) && !begun.some((start) => key.startsWith(start)))
  assert.deepEqual(left, [])
})
