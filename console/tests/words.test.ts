import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { en } from '../src/words/en.ts'
import { zh } from '../src/words/zh.ts'

type Tree = { readonly [key: string]: string | Tree }

function flat(tree: Tree, before = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(before + key, value)
    else for (const [inner, words] of flat(value, `${before}${key}.`)) found.set(inner, words)
  }
  return found
}

const [chinese, english] = [flat(zh), flat(en)]
const blanks = (words: string): string[] => [...words.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort()

test('both languages have every key, with words and the same blanks in them', () => {
  assert.deepEqual([...english.keys()].sort(), [...chinese.keys()].sort())
  for (const [key, words] of chinese) {
    assert.notEqual(words.trim(), '', key)
    assert.notEqual(english.get(key)?.trim(), '', key)
    assert.deepEqual(blanks(english.get(key) ?? ''), blanks(words), key)
  }
})

test('Chinese is Chinese, and English has none of it but names', () => {
  const names = new Set(['app.name', 'bar.other', 'bar.otherLong'])
  const han = /\p{Script=Han}/u
  for (const [key, words] of english) if (!names.has(key)) assert.ok(!han.test(words), key)
  for (const [key, words] of chinese)
    if (!names.has(key) && words.length > 8 && !/\{\{/.test(words)) assert.ok(han.test(words), key)
})

test('no key is left over', () => {
  const folder = new URL('../src/', import.meta.url)
  const source = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/contract|words.(zh|en)/.test(name))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n')
  const whole = new Set([...source.matchAll(/['"`]([a-z]\w*(?:\.[\w-]+)+)['"`]/g)].map((match) => match[1]))
  const begun = [...source.matchAll(/`([a-z][\w.]*\.?)\$\{/g)]
    .map((match) => match[1] ?? '')
    .filter((start) => start.includes('.'))
  const left = [...chinese.keys()].filter((key) => !whole.has(key) && !begun.some((start) => key.startsWith(start)))
  assert.deepEqual(left, [])
})
