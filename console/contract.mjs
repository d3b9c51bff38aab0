// What the page knows of the API, made from its document each time, so that they can't differ: types of all of it, and
// schemas of what is sent, for forms.
import { readFileSync, writeFileSync } from 'node:fs'
import { createClient } from '@hey-api/openapi-ts'

await createClient({
  input: '../docs/contract/openapi.json',
  output: { path: 'src/contract', clean: true },
  plugins: [{ name: 'zod', compatibilityVersion: 'mini', requests: false, responses: false }],
  logs: { level: 'silent' },
})

// Patterns name characters that nobody sees, and two that end a line of JavaScript.
const file = 'src/contract/zod.gen.ts'
const hidden = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g
const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
writeFileSync(file, readFileSync(file, 'utf8').replace(hidden, escaped))
