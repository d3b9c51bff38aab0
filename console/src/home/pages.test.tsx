import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it } from 'vitest'
import type { Device, Ticket, WhoAmI } from '../api/client.ts'
import { exampleOf } from '../testing/api.ts'
import { faults, open, WHO } from '../testing/page.tsx'

const NOTHING = {
  total: 0,
  exact: true,
  oldest: null,
  severity: { critical: 0, major: 0, minor: 0, warning: 0 },
  age: { hour: 0, day: 0, week: 0, older: 0 },
  groups: [],
  more: 0,
}

describe("a manager's home", () => {
  it('counts what is open by severity, age, place and person; each figure leads to its list', async () => {
    const group = { place: '', worst: 'major', count: 2 }
    const { container } = await open('/overview', {
      answers: {
        'GET /api/v1/tickets/summary': ({ search }: { search: URLSearchParams }) => ({
          ...NOTHING,
          total: 3,
          severity: { critical: 1, major: 2, minor: 0, warning: 0 },
          age: { hour: 0, day: 1, week: 0, older: 2 },
          status: {},
          groups:
            search.get('by') === 'holder'
              ? [
                  { ...group, key: 'none', name: 'none', oldest: '2026-11-22T03:00:00Z' },
                  { ...group, key: '张工', name: '张工', oldest: '2026-11-01T03:00:00Z' },
                ]
              : [{ ...group, key: '3', name: '放射科', place: '第一人民医院', oldest: '2026-11-22T03:00:00Z' }],
          more: search.get('by') === 'site' ? 12 : 0,
        }),
      },
    })
    const whose = within(screen.getByRole('table', { name: '谁在处理' }))
    expect(whose.getAllByRole('link').map((link) => [link.textContent, link.getAttribute('href')])).toEqual([
      ['张工', `/tickets?holder=${encodeURIComponent('张工')}`],
      ['无人负责', '/tickets?holder=none'],
    ])
    const ages = within(screen.getByRole('list', { name: '开单多久' })).getAllByRole('link')
    expect(ages[0]?.textContent).toBe('2 超过 1 周')
    expect(ages[0]?.getAttribute('href')).toBe('/tickets?age=older')
    expect(screen.getByText('还有 12 组未列出')).toBeTruthy()
    expect(await faults(container)).toEqual([])
  })

  it('says what to do where there is nothing', async () => {
    const { container } = await open('/overview', {
      language: 'en',
      answers: {
        'GET /api/v1/tickets/summary': { ...NOTHING, status: {} },
        'GET /api/v1/alerts/summary': {
          ...NOTHING,
          state: { open: 0, pending: 0, over: 0 },
          operator: { unacknowledged: 0, acknowledged: 0 },
        },
        'GET /api/v1/devices/summary': { total: 0, how: { ill: 0, unknown: 0, well: 0 }, groups: [], more: 0 },
      },
    })
    expect(screen.getByRole('link', { name: 'Register the first one' })).toBeTruthy()
    expect(screen.getByText(/A fault that needs a visit opens one by itself/)).toBeTruthy()
    expect(await faults(container)).toEqual([])
  })
})

describe("a hospital's home", () => {
  const HOSPITAL = {
    ...WHO,
    role: 'equipment',
    org: { id: 2, name: '第一人民医院', kind: 'hospital' },
    rights: ['own', 'equipment.read', 'tickets.confirm', 'faults.report', 'audit.read'],
  } as WhoAmI

  it('has first what waits for its people, then its equipment, with a way to report a fault', async () => {
    const { container, asked } = await open('/ours', {
      who: HOSPITAL,
      answers: {
        'GET /api/v1/tickets': {
          items: [
            exampleOf<Ticket>('Ticket'),
            { ...exampleOf<Ticket>('Ticket'), number: 'WX20261122-008', status: 'to-verify' },
          ],
          next: null,
        },
        'GET /api/v1/devices': { items: [exampleOf<Device>('Device')], next: null },
      },
    })
    const waits = within(screen.getByRole('region', { name: '等您确认' }))
    expect(waits.getAllByRole('link').map((link) => link.getAttribute('href'))).toEqual(['/tickets/WX20261122-008'])
    const report = screen.getByRole('link', { name: /报修/ })
    expect(report.getAttribute('href')).toBe(`/devices/${exampleOf<Device>('Device').id}/report`)
    await userEvent.setup().click(screen.getByRole('button', { name: /情况不明/ }))
    await screen.findByRole('button', { name: /情况不明/, pressed: true })
    const lists = asked.filter(({ path }) => path === '/api/v1/devices').map(({ search }) => search.toString())
    expect(lists.at(-1)).toContain('how=unknown')
    expect(lists.every((search) => search.includes('sort=urgency'))).toBe(true)
    expect(await faults(container)).toEqual([])
  })

  it('says what to do where nothing is open and nothing registered', async () => {
    await open('/ours', {
      who: HOSPITAL,
      answers: {
        'GET /api/v1/tickets': { items: [], next: null },
        'GET /api/v1/devices': { items: [], next: null },
        'GET /api/v1/devices/summary': { total: 0, how: { ill: 0, unknown: 0, well: 0 }, groups: [], more: 0 },
      },
    })
    expect(screen.queryByRole('searchbox')).toBeNull()
    expect(screen.getByText(/点它旁边的“报修”/)).toBeTruthy()
    expect(screen.getByText(/请联系服务商登记/)).toBeTruthy()
  })
})
