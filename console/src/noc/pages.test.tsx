/** The NOC's inbox and its wall. */

import { waitFor, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { expect, test } from 'vitest'
import { exampleOf } from '../testing/api.ts'
import { faults, open } from '../testing/page.tsx'

const alert = exampleOf<{ id: string; message: object }>('Alert')
const ticket = { ...exampleOf<object>('Ticket'), holder: '', status: 'new' }
const detail = exampleOf<object>('AlertDetail')
const waiting = {
  'GET /api/v1/alerts': { items: [alert], next: null },
  'GET /api/v1/tickets': { items: [ticket], next: null },
}

test.each(['zh', 'en'] as const)('inbox and wall are without faults in %s', async (language) => {
  for (const path of ['/inbox', '/wall']) {
    const { container } = await open(path, { answers: waiting, language })
    expect(await faults(container)).toEqual([])
  }
})

test('one flow of keys: an alert acknowledged with a note, then a ticket received', async () => {
  const user = userEvent.setup()
  const { asked } = await open('/inbox', {
    answers: { ...waiting, 'POST /api/v1/alerts/{id}/acknowledge': { ...detail, ...alert, version: 9 } },
  })
  await user.keyboard('ja')
  await user.keyboard('called{Enter}')
  await user.keyboard('jr')
  const sent = () => asked.filter(({ method }) => method === 'POST')
  await waitFor(() => expect(sent()).toHaveLength(2))
  expect(sent()[0]).toMatchObject({ path: `/api/v1/alerts/${alert.id}/acknowledge`, body: { note: 'called' } })
  expect(sent()[1]).toMatchObject({ body: { event: 'receive' } })
})

test('it asks for what nobody has, and says where to go when there is none', async () => {
  const none = { items: [], next: null }
  const { container, asked } = await open('/inbox', {
    answers: { 'GET /api/v1/alerts': none, 'GET /api/v1/tickets': none },
  })
  const of = (path: string) => asked.find((one) => one.path === path)?.search
  expect(of('/api/v1/alerts')?.get('operator')).toBe('unacknowledged')
  expect(of('/api/v1/tickets')?.get('holder')).toBe('none')
  expect(within(container).getByRole('link', { name: '看所有未恢复的报警' })).toBeTruthy()
})

test('the wall shows counts of alerts, tickets and devices, the oldest critical and the worst sites, and how many more there are', async () => {
  const site = (nth: number) => ({
    key: String(nth),
    name: `site ${nth}`,
    place: `hospital ${nth}`,
    count: nth,
    worst: 'major',
    oldest: '2026-11-22T03:56:10Z',
  })
  const counted = {
    ...exampleOf<object>('AlertsCounted'),
    groups: Array.from({ length: 20 }, (_, nth) => site(nth)),
    more: 3,
  }
  const tickets = { ...exampleOf<object>('TicketsCounted'), severity: { critical: 3, major: 4, minor: 5, warning: 6 } }
  const { container } = await open('/wall', {
    answers: {
      ...waiting,
      'GET /api/v1/alerts/summary': counted,
      'GET /api/v1/tickets/summary': ({ search }: { search: URLSearchParams }) => ({
        ...tickets,
        total: search.get('holder') === 'none' ? 7 : 18,
      }),
      'GET /api/v1/devices/summary': {
        ...exampleOf<object>('DevicesCounted'),
        how: { ill: 21, unknown: 22, well: 9957 },
      },
    },
  })
  await waitFor(() => expect(container.textContent).toContain('23 个院区有异常'), { timeout: 5_000 })
  expect(container.textContent).toContain('另有 14 个院区')
  expect(container.querySelectorAll('.wall li')).toHaveLength(9)
  const figures = (of: string) => [...container.querySelectorAll(`${of} dd`)].map(({ textContent }) => textContent)
  expect(figures('.wall-tickets')).toEqual(['3', '4', '5', '6', '7'])
  expect(figures('.wall-devices')).toEqual(['21', '22', '9,957'])
  expect(container.querySelector('.wall button, .wall a')).toBeNull()
  expect(container.querySelector('.wall')?.textContent).toContain(
    (alert as unknown as { device: { name: string } }).device.name,
  )
})
