/** The list and the page of alerts, as somebody uses them by keyboard. */

import { screen, waitFor, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { exampleOf } from '../testing/api.ts'
import { faults, open, WHO } from '../testing/page.tsx'

const detail = exampleOf('AlertDetail') as Record<string, unknown> & { id: string; events: object[] }
const { events: _, ...row } = detail
const severities = ['critical', 'major', 'minor', 'warning']
const rows = severities.map((severity, nth) => ({
  ...row,
  severity,
  id: detail.id.slice(0, -1) + nth,
  version: nth,
  message: { ...(row.message as object), text: `fault ${nth}` },
}))
const list = { 'GET /api/v1/alerts': { items: rows, next: null } }
const counted = {
  ...exampleOf<object>('AlertsCounted'),
  total: 4,
  groups: [
    { key: '3', name: '放射科', place: '第一人民医院', count: 4, worst: 'critical', oldest: '2026-11-22T03:56:10Z' },
    { key: '9', name: 'Lab', place: 'Second Hospital', count: 7, worst: 'minor', oldest: '2026-11-22T03:56:10Z' },
  ],
}
const groups = { ...list, 'GET /api/v1/alerts/summary': counted }
const acknowledged = (id: string, note: string) => ({
  ...detail,
  id,
  version: 9,
  operator: { state: 'acknowledged', actor: 'wang.li', note, at: '2026-11-22T04:00:00Z' },
})
const taking = {
  ...list,
  'POST /api/v1/alerts/{id}/acknowledge': ({ path, body }: { path: string; body: { note: string } }) =>
    acknowledged(path.split('/')[4] ?? '', body.note),
}

let user: ReturnType<typeof userEvent.setup>
beforeEach(() => {
  user = userEvent.setup()
})

test.each(['zh', 'en'] as const)('both pages are without faults in %s', async (language) => {
  for (const path of ['/alerts', `/alerts/${detail.id}`]) {
    const { container } = await open(path, { answers: list, language })
    expect(await faults(container)).toEqual([])
  }
})

test('by keys alone: down, a note, sent with what was seen', async () => {
  const { asked } = await open('/alerts', { answers: taking })
  await user.keyboard('jja')
  await user.keyboard('called{Enter}')
  await waitFor(() => expect(asked.filter(({ method }) => method === 'POST')).toHaveLength(1))
  const [sent] = asked.filter(({ method }) => method === 'POST')
  expect(sent).toMatchObject({ path: `/api/v1/alerts/${rows[1]?.id}/acknowledge`, body: { note: 'called' } })
})

test('several that were picked are taken with one note', async () => {
  const { asked } = await open('/alerts', { answers: taking })
  await user.keyboard('j {ArrowDown} a')
  await user.keyboard('storm{Enter}')
  await waitFor(() => expect(asked.filter(({ method }) => method === 'POST')).toHaveLength(2))
  expect(await screen.findByText(/已确认：2 条报警/)).toBeTruthy()
})

test('who lacks the right can neither pick nor acknowledge', async () => {
  const { container, asked } = await open('/alerts', {
    answers: list,
    who: { ...WHO, rights: ['own', 'equipment.read'] },
  })
  await user.keyboard('ja')
  expect(container.querySelector('[role=table] input, form.write')).toBeNull()
  expect(asked.some(({ method }) => method === 'POST')).toBe(false)
})

test('a filtered list that is empty says that it is filtered', async () => {
  const empty = { 'GET /api/v1/alerts': { items: [], next: null } }
  const { container, path } = await open('/alerts?severity=critical', { answers: empty })
  expect(container.textContent).not.toContain('没有未恢复的报警')
  await user.click(within(container).getAllByRole('button', { name: '清除筛选' })[0] as HTMLElement)
  await waitFor(() => expect(path()).toBe('/alerts'))
})

test('in groups: as the server counted them, opened by Enter, and in the address', async () => {
  const { container, path, asked } = await open('/alerts?group=site', { answers: groups })
  const shown = () => [...container.querySelectorAll('[data-key]')].map((one) => one.getAttribute('data-key'))
  expect(shown()).toEqual(['group 3', 'group 9'])
  expect(container.textContent).toContain('7 条报警')
  await user.keyboard('j{Enter}')
  await waitFor(() => expect(shown()).toEqual(['group 3', ...rows.map(({ id }) => id), 'group 9']))
  expect(path()).toBe('/alerts?group=site&open=3')
  expect(asked.at(-1)?.search.getAll('site')).toEqual(['3'])
  expect(await faults(container)).toEqual([])
})

test('an alert says what it means, by what it was raised, and what helped before', async () => {
  const { container } = await open(`/alerts/${detail.id}`)
  for (const words of [
    '42.6 °C',
    '42 °C',
    '散热风扇或风道堵塞',
    '以前出现过 1 次',
    '更换散热风扇',
    'WX20261002-003',
    '2 台设备',
  ])
    expect(container.textContent).toContain(words)
  const helped = within(await screen.findByRole('region', { name: '同型号以前怎么修好的' }))
  const { textContent } = await helped.findByRole('listitem')
  for (const words of ['更换部件 · 散热风扇 (SN 4711)', '散热风扇损坏', '本机', 'WX20261122-007'])
    expect(textContent).toContain(words)
})

test('what is of another dealer’s time is to be read, and says so', async () => {
  const answers = { 'GET /api/v1/alerts/{id}': { ...detail, read_only: true } }
  const { container } = await open(`/alerts/${detail.id}`, { answers })
  expect(container.textContent).toContain('只能查看')
  expect(within(container).queryByRole('button', { name: /^确认/ })).toBeNull()
})

test('what was only watched doesn’t say that it was an alert', async () => {
  const answers = { 'GET /api/v1/alerts/{id}': { ...detail, raised: false, condition: 'ok' } }
  const { container } = await open(`/alerts/${detail.id}`, { answers })
  expect(container.textContent).toContain('仅观察，未报警')
})

test('on a phone filters are behind a button, what is chosen is a chip, and a hospital is found by its name', async () => {
  const desk = Object.getOwnPropertyDescriptor(HTMLElement.prototype, 'clientWidth') as PropertyDescriptor
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 320 })
  onTestFinished(() => void Object.defineProperty(HTMLElement.prototype, 'clientWidth', desk))
  const user = userEvent.setup()
  const hospital = { id: 7, name: '第三人民医院', kind: 'hospital', prefix: null, sites: 2, shared: false, version: 1 }
  const { container, asked, path } = await open('/alerts?severity=critical&model=none-such', {
    answers: {
      ...groups,
      'GET /api/v1/orgs': { items: [hospital], next: null },
      'GET /api/v1/orgs/{id}': hospital,
    },
  })
  const filters = within(container.querySelector<HTMLElement>('.filters') as HTMLElement)
  expect(filters.queryByRole('combobox')).toBeNull()
  await user.click(filters.getByRole('button', { name: '去掉 型号:none-such' }))
  await waitFor(() => expect(path()).toBe('/alerts?severity=critical'))
  await user.click(filters.getByRole('button', { name: '筛选 (1)', expanded: false }))
  expect(await faults(container)).toEqual([])
  await user.type(filters.getByRole('combobox', { name: '医院' }), '第三{Enter}')
  await waitFor(() => expect(path()).toBe('/alerts?severity=critical&hospital=7'))
  expect(
    asked
      .filter(({ path: asks }) => asks === '/api/v1/alerts')
      .at(-1)
      ?.search.get('hospital'),
  ).toBe('7')
  await user.click(await filters.findByRole('button', { name: '筛选 (2)' }))
  expect((await filters.findByRole('button', { name: /第三人民医院/ })).textContent).toContain('第三人民医院')
})
