import assert from 'node:assert/strict'
import { screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { test } from 'vitest'
import type { WhoAmI } from '../api/client.ts'
import { faults, open, WHO } from '../testing/page.tsx'

const PAGES = [
  '/admin/accounts/4',
  '/admin/accounts/new',
  '/admin/tokens',
  '/admin/recipients/1',
  '/admin/places/1',
  '/admin/places/new-dealer',
  '/admin/audit?entry=7',
  '/account',
]

for (const path of PAGES)
  test(`${path} is there, and axe has nothing to say`, async () => {
    const { container } = await open(path, { who: { ...WHO, user: 'chief' } })
    assert.equal(container.querySelectorAll('h1').length, 1)
    assert.deepEqual(await faults(container), [])
  })

const WANG = {
  id: 4,
  name: 'wang.li',
  role: 'engineer',
  org: { id: 1, name: '服务商', kind: 'dealer' },
  active: true,
  password_made: false,
  created_at: '2026-11-20T02:00:00Z',
  last_login_at: null,
  version: 2,
}
const CHIEF: WhoAmI = { ...WHO, user: 'chief' }

test('two change one account: the second sees what the first made of it, and decides', async () => {
  const user = userEvent.setup()
  let now = WANG
  const tries: string[] = []
  const { asked } = await open('/admin/accounts/4', {
    who: CHIEF,
    answers: {
      'GET /api/v1/accounts/{id}': () => now,
      'PATCH /api/v1/accounts/{id}': ({ body }: { body: { role: string } }) => {
        tries.push(body.role)
        if (tries.length === 1) {
          now = { ...WANG, role: 'manager', version: 3 }
          return Response.json({ code: 'changed_meanwhile' }, { status: 412 })
        }
        now = { ...WANG, role: body.role, version: 4 }
        return now
      },
    },
  })
  await user.selectOptions(screen.getByLabelText('角色', { selector: 'form select' }), 'noc')
  await user.click(screen.getByRole('button', { name: '改为这个角色' }))
  const conflict = await screen.findByRole('alert', { name: '您填写期间，别人改过' })
  assert.match(conflict.textContent ?? '', /经理.*值班 NOC/s)
  await user.click(screen.getByRole('button', { name: '仍按我填的保存' }))
  await waitFor(() => assert.equal(screen.queryByText('您填写期间，别人改过'), null))
  assert.deepEqual(tries, ['noc', 'noc'])
  assert.equal(asked.filter(({ method }) => method === 'PATCH').length, 2)
})

test('a new account keeps what was typed while the server is gone, and shows its password once', async () => {
  const user = userEvent.setup()
  let there = false
  await open('/admin/accounts/new', {
    who: CHIEF,
    answers: {
      'POST /api/v1/accounts': ({ body }: { body: object }) =>
        there
          ? Response.json({ ...WANG, ...body, password: 'k7qf2-m9dxh-4t6wp-c3r8v' }, { status: 201 })
          : Response.json({ code: 'unavailable' }, { status: 503 }),
    },
  })
  await user.type(screen.getByLabelText('账号', { selector: 'input' }), 'li.na')
  await user.click(screen.getByRole('button', { name: '建立账号' }))
  await screen.findByText(/已填写的内容还在/)
  assert.equal((screen.getByLabelText('账号', { selector: 'input' }) as HTMLInputElement).value, 'li.na')
  there = true
  await user.click(screen.getByRole('button', { name: '建立账号' }))
  const shown = (await screen.findByLabelText('li.na 的新密码', { selector: 'input' })) as HTMLInputElement
  assert.equal(shown.value, 'k7qf2-m9dxh-4t6wp-c3r8v')
  await user.click(screen.getByRole('button', { name: '我已保存，关闭' }))
  await waitFor(() => assert.equal(document.body.textContent?.includes('k7qf2'), false))
})

test('nothing is ended before it was said what will happen', async () => {
  const user = userEvent.setup()
  let now = WANG
  const { asked } = await open('/admin/accounts/4', {
    who: CHIEF,
    answers: {
      'GET /api/v1/accounts/{id}': () => now,
      'PATCH /api/v1/accounts/{id}': () => {
        now = { ...WANG, active: false, version: 3 }
        return now
      },
    },
  })
  await user.click(screen.getByRole('button', { name: '停用' }))
  assert.ok(screen.getByText(/5 秒内，wang.li 的登录和令牌全部失效/))
  assert.equal(asked.filter(({ method }) => method !== 'GET').length, 0)
  await user.click(screen.getAllByRole('button', { name: '停用' }).at(-1) as HTMLElement)
  await screen.findByRole('button', { name: '重新启用' })
  assert.deepEqual(asked.find(({ method }) => method === 'PATCH')?.body, { active: false })
})

test('a dealer is made, a name that is taken is said at its field, and its manager comes next', async () => {
  const user = userEvent.setup()
  const taken = { status: 409, code: 'conflict', detail: 'taken', where: 'body.name' }
  let tries = 0
  const { asked, path } = await open('/admin/places/new-dealer', {
    who: { ...CHIEF, role: 'staff', org: { id: 0, name: '平台', kind: 'operator' } } as WhoAmI,
    answers: {
      'POST /api/v1/dealers': () => {
        tries += 1
        return tries === 1 ? Response.json(taken, { status: 409 }) : { id: 9, name: '华东二部', prefix: 'HD' }
      },
      'GET /api/v1/orgs/{id}': {
        id: 9,
        name: '华东二部',
        kind: 'dealer',
        prefix: 'HD',
        sites: 0,
        shared: false,
        version: 1,
      },
    },
  })
  await user.type(screen.getByLabelText('名称'), '华东')
  await user.type(screen.getByLabelText('工单号前缀'), 'hd')
  await user.click(screen.getByRole('button', { name: '新建服务商' }))
  await screen.findByText('已被占用，请换一个')
  assert.equal(screen.getByLabelText('名称').getAttribute('aria-invalid'), 'true')
  await user.type(screen.getByLabelText('名称'), '二部')
  await user.click(screen.getByRole('button', { name: '新建服务商' }))
  await user.click(await screen.findByRole('link', { name: '给它的经理建账号' }))
  await waitFor(() => assert.equal(path(), '/admin/accounts/new?org=9'))
  await user.type(await screen.findByLabelText('账号', { selector: 'form input' }), 'li.wei')
  await user.click(screen.getByRole('button', { name: '建立账号' }))
  await waitFor(() => assert.equal(asked.filter(({ method }) => method === 'POST').length, 3))
  assert.deepEqual(
    asked
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => body)
      .slice(1),
    [
      { name: '华东二部', prefix: 'HD' },
      { name: 'li.wei', role: 'manager', org: 9 },
    ],
  )
})

test('a password that is typed into a form is kept nowhere', async () => {
  const { container } = await open('/account', { who: { ...WHO, user: 'chief' } })
  const user = userEvent.setup()
  const [label, password] = container.querySelectorAll<HTMLInputElement>('form.form input')
  assert(label && password?.type === 'password')
  await user.type(label, '排班')
  await user.type(password, 'geheim-42')
  assert.match(sessionStorage.getItem('steth.drafts') ?? '', /排班/)
  assert.doesNotMatch(JSON.stringify([{ ...sessionStorage }, { ...localStorage }]), /geheim/)
})
