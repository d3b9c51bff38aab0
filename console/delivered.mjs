// Writes package.json and package-lock.json of what is delivered alone, without the tools, into a folder: the bill of
// materials is made of it.
//   node delivered.mjs FOLDER
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value))
const own = JSON.parse(readFileSync('package.json', 'utf8'))
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
delete own.devDependencies
delete lock.packages[''].devDependencies
lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([, one]) => !one.dev && !one.devOptional))
write('package.json', own)
write('package-lock.json', lock)
