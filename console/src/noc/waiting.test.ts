import { expect, test } from 'vitest'
import type { Alert, Ticket } from '../api/client.ts'
import { shift } from './shift.ts'
import { waiting } from './waiting.ts'

test('alerts that nobody acknowledged come before tickets that nobody has', () => {
  const alerts = [{ id: 'a1' }, { id: 'a2' }] as Alert[]
  const tickets = [{ number: 'WX1' }] as Ticket[]
  expect(waiting(alerts, tickets).map(({ key }) => key)).toEqual(['a1', 'a2', 'WX1'])
})

test('a picture on a wall is never still, and never far away', () => {
  const turns = Array.from({ length: 20 }, (_, turn) => shift(turn))
  for (const [nth, place] of turns.entries()) expect(place).not.toEqual(turns[nth + 1])
  expect(Math.max(...turns.flat().map(Math.abs))).toBeLessThan(10)
})
