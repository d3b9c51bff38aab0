import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'vitest'
import * as subjects from './subjects.ts'

type Tree = { readonly [key: string]: string | Tree }

function flat(tree: Tree, before: string): [string, string][] {
  return Object.entries(tree).flatMap(([key, words]): [string, string][] =>
    typeof words === 'string' ? [[before + key, words]] : flat(words, `${before}${key}.`),
  )
}

const source = new URL('../', import.meta.url)
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
const code = new Map(
  files
    .filter((name) => /\.tsx?$/.test(name) && !/^contract|words\.ts$|\.test\.tsx?$|^testing|^words/.test(name))
    .map((name) => [name, readFileSync(new URL(name, source), 'utf8')]),
)
const spoken = (language: 'zh' | 'en') =>
  new Map(Object.entries(subjects).flatMap(([subject, its]) => flat(its[language], `${subject}.`)))
const [chinese, english] = [spoken('zh'), spoken('en')]
const blanks = (words: string): string[] => [...words.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort()
const PLURAL = /_(one|other)$/

test('each folder that has words is a subject', () => {
  const folders = files.filter((name) => /^\w+.words\.ts$/.test(name)).map((name) => name.slice(0, -'/words.ts'.length))
  assert.deepEqual(Object.keys(subjects).sort(), folders.sort())
})

test('both languages have every key, with words and the same blanks in them', () => {
  const keys = (of: Map<string, string>) => [...new Set([...of.keys()].map((key) => key.replace(PLURAL, '')))].sort()
  assert.deepEqual(keys(english), keys(chinese))
  for (const [key, words] of chinese) {
    assert.notEqual(words.trim(), '', key)
    assert.notEqual(english.get(key)?.trim(), '', key)
    assert.deepEqual(blanks(english.get(key) ?? ''), blanks(words), key)
  }
})

test('what counts is a plural, which in English has a word for one', () => {
  for (const [key, words] of [...chinese, ...english]) if (blanks(words).includes('count')) assert.match(key, PLURAL)
  for (const key of english.keys()) if (key.endsWith('_other')) assert.ok(english.has(key.replace(PLURAL, '_one')), key)
})

test('Chinese is Chinese, and English has none of it but names', () => {
  const names = new Set(['app.name', 'ui.language.other', 'ui.language.switch'])
  const han = /\p{Script=Han}/u
  for (const [key, words] of english) if (!names.has(key)) assert.ok(!han.test(words), key)
  for (const [key, words] of chinese)
    if (!names.has(key) && words.length > 8 && !/\{\{/.test(words)) assert.ok(han.test(words), key)
})

test('no key is left over', () => {
  const all = [...code.values()].join('\n')
  const whole = new Set([...all.matchAll(/['"`]([a-z]\w*(?:\.[\w-]+)+)['"`]/g)].map((match) => match[1]))
  const begun = [...all.matchAll(/`([a-z][\w.]*\.?)\$\{/g)]
    .map((match) => match[1] ?? '')
    .filter((start) => start.includes('.'))
  const left = [...chinese.keys()].filter(
    (key) => !whole.has(key.replace(PLURAL, '')) && !begun.some((start) => key.startsWith(start)),
  )
  assert.deepEqual(left, [])
})

test('whoever says something brings the words', () => {
  for (const [name, text] of code) {
    const here = name.split('/')[0]
    for (const subject of Object.keys(subjects)) {
      if (
        !new RegExp(`['"\`]${subject}\\.(?!tsx?['"]|handle\\b|manage\\b|read\\b|confirm\\b|report\\b)[a-zA-Z]`).test(
          text,
        )
      )
        continue
      const path = subject === here ? './words.ts' : `${name.includes('/') ? '..' : '.'}/${subject}/words.ts`
      assert.ok(text.includes(`import '${path}'`), `${name} says words of ${subject}: import '${path}'`)
    }
  }
})
