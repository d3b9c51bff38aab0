import assert from 'node:assert/strict'
import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { test } from 'vitest'
import { faults, open, WHO } from '../testing/page.tsx'

const ID = 'd3k9m2q7x1z5a'
const REFUSED = {
  code: 'invalid',
  where: 'body.udi',
  detail: 'is no UDI',
  title: '',
  type: '',
  status: 422,
  errors: [],
}

test('a device says what it is, what is open of it, its box, its dealers and what is collected', async () => {
  const { container } = await open(`/devices/${ID}`)
  for (const words of ['代理程序所在主机', '服务商', '2021-YX-0042', '国械注准20203060042', '时钟'])
    assert.ok(container.textContent?.includes(words), words)
  await userEvent.click(screen.getByText('采集哪些内容'))
  await waitFor(() => assert.ok(container.textContent?.includes('信号：允许 1 项，已收到 1 项')))
  assert.deepEqual(await faults(container), [])
})

test('a device is added: what is missing is said, then there are a file, commands, and the waiting', async () => {
  const { container, asked } = await open('/devices/new', {
    answers: { [`GET /api/v1/devices/${ID}`]: { id: ID, last_seen: null } },
  })
  assert.deepEqual(await faults(container), [])
  const send = () => userEvent.click(screen.getByRole('button', { name: '生成配置文件' }))
  await send()
  assert.ok((await screen.findAllByText('不能为空，或太短')).length >= 3)
  const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } })
  type('医院', '第一人民医院')
  type('院区或科室地点', '放射科')
  type('设备名称', 'DR 1')
  type('型号', 'generic-dr')
  await userEvent.click(await screen.findByLabelText('DICOM 文件夹'))
  await send()
  await screen.findByText('正在等待第一次上报…')
  const sent = asked.find(({ method, path }) => method === 'POST' && path === '/api/v1/devices')
  assert.partialDeepStrictEqual(sent?.body, {
    name: 'DR 1',
    model: 'generic-dr',
    site: { hospital: '第一人民医院', site: '放射科' },
    sources: ['folder'],
    made_on: null,
  })
  assert.deepEqual(await faults(container), [])
})

test('what the platform refuses stands at its field, and nothing typed is lost, elsewhere and back', async () => {
  const answers = { [`PATCH /api/v1/devices/${ID}`]: () => Response.json(REFUSED, { status: 422 }) }
  const { container } = await open(`/devices/${ID}/change`, { answers })
  assert.deepEqual(await faults(container), [])
  const first = (label: string) => screen.getAllByLabelText(label)[0] as HTMLInputElement
  fireEvent.change(first('UDI'), { target: { value: '(01)1' } })
  await userEvent.click(screen.getByRole('button', { name: '保存' }))
  await screen.findByText('平台没有接受这一项')
  await open('/catalog')
  await open(`/devices/${ID}/change`, { answers })
  assert.equal(first('UDI').value, '(01)1')
})

test('whoever registers no devices is offered none of it', async () => {
  const who = { ...WHO, rights: ['own', 'equipment.read'] } as typeof WHO
  const { container } = await open(`/devices/${ID}`, { who })
  assert.ok(!container.textContent?.includes('退役'))
  const { container: refused } = await open('/devices/new', { who })
  assert.equal(within(refused).queryByLabelText('医院'), null)
})

test('a fault is reported in a few words, and what it became is shown', async () => {
  const who = { ...WHO, rights: [...WHO.rights, 'faults.report'] } as typeof WHO
  const answers = { [`POST /api/v1/devices/${ID}/report`]: { number: 'WX20261122-009', opened: true } }
  const { container, asked, path } = await open(`/devices/${ID}/report`, { who, answers })
  assert.deepEqual(await faults(container), [])
  fireEvent.change(screen.getByLabelText('哪里不正常'), { target: { value: '曝光键没有反应' } })
  fireEvent.change(screen.getByLabelText('现在还能用吗'), { target: { value: 'limited' } })
  fireEvent.change(screen.getByLabelText('电话报修人'), { target: { value: ' 王老师 ' } })
  await userEvent.click(screen.getByRole('button', { name: '报修' }))
  await waitFor(() => assert.equal(path(), '/tickets/WX20261122-009'))
  const sent = asked.find(({ method }) => method === 'POST')
  assert.partialDeepStrictEqual(sent?.body, {
    words: '曝光键没有反应',
    usable: 'limited',
    caller: '王老师',
    ticket: null,
  })
})
