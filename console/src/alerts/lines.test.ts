import { expect, test } from 'vitest'
import type { Alert } from '../api/client.ts'
import { type Group, grouped, toggled } from './lines.ts'

const alert = (id: string, site: number, ...tickets: string[]) => ({ id, site: { id: site }, tickets }) as Alert
const group = (key: string) => ({ key }) as Group
const alerts = [alert('a', 1, 'WX1'), alert('b', 2), alert('c', 1, 'WX1', 'WX2')]
const keys = (lines: ReturnType<typeof grouped>) => lines.map(({ key }) => key)

test('alerts stand under their group while it is open, in the order they came in', () => {
  expect(keys(grouped([group('1'), group('2')], ['1'], alerts, 'site'))).toEqual(['group 1', 'a', 'c', 'group 2'])
})

test('an alert of several tickets is of its latest, and one of none is among those', () => {
  const groups = [group('WX2'), group('WX1'), group('none')]
  expect(keys(grouped(groups, ['WX1', 'WX2', 'none'], alerts, 'ticket'))).toEqual(
    ['group WX2', 'c', 'group WX1', 'a', 'group none', 'b'], // biome-ignore format: a line
  )
})

test('a group opens, and closes again, and leaves no word in the address', () => {
  expect(toggled(undefined, '1')).toEqual(['1'])
  expect(toggled(['1', '2'], '1')).toEqual(['2'])
  expect(toggled(['1'], '1')).toBeUndefined()
})
