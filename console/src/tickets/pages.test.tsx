import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it } from 'vitest'
import type { Ticket, TicketDetail } from '../api/client.ts'
import { exampleOf } from '../testing/api.ts'
import { faults, open } from '../testing/page.tsx'

const MINE: TicketDetail = {
  ...exampleOf<TicketDetail>('TicketDetail'),
  status: 'on-site',
  holder: 'wang.li',
  possible: ['need-parts', 'mend'],
}
const PATH = `/api/v1/tickets/${MINE.number}`

describe('a ticket', () => {
  it('is repaired with a cause, what was done and a part; what was typed stays when somebody was faster', async () => {
    let first = true
    const { container, asked } = await open(`/tickets/${MINE.number}`, {
      language: 'en',
      answers: {
        [`GET ${PATH}`]: MINE,
        [`POST ${PATH}/transition`]: () => {
          if (!first) return { ...MINE, status: 'to-verify', possible: [] }
          first = false
          return Response.json({ code: 'changed_meanwhile' }, { status: 412 })
        },
      },
    })
    const user = userEvent.setup()
    await user.click(screen.getByRole('button', { name: 'Repaired' }))
    await user.selectOptions(await screen.findByLabelText('Cause'), 'fan-defective')
    await user.click(screen.getByLabelText('更换部件'))
    const send = screen.getByRole('button', { name: 'Send, to be verified' })
    await user.click(send)
    expect(screen.getByText(/Choose the part that was put in/)).toBeTruthy()
    await user.click(screen.getByRole('button', { name: '+ 散热风扇' }))
    expect(await faults(container)).toEqual([])
    await user.click(send)
    expect(await screen.findByText(/What you typed is kept/)).toBeTruthy()
    await user.click(screen.getByRole('button', { name: 'Send, to be verified' }))
    const sent = asked.filter(({ method, path }) => method === 'POST' && path.endsWith('/transition'))
    expect(sent.map(({ body }) => body)).toEqual(
      Array.from({ length: 2 }, () => ({
        event: 'mend',
        note: '',
        repair: {
          cause: 'fan-defective',
          actions: ['replaced'],
          parts: [{ part: 'cooling-fan', quantity: 1, serial: '' }],
        },
      })),
    )
  })
})

describe("an engineer's home", () => {
  it('has what is his, then what nobody has, the worst first', async () => {
    const { container, asked } = await open('/jobs', {
      answers: {
        'GET /api/v1/tickets': ({ search }: { search: URLSearchParams }) => ({
          items:
            search.get('holder') === 'none'
              ? [
                  { ...exampleOf<Ticket>('Ticket'), number: 'WX20261122-008', severity: 'minor' },
                  { ...exampleOf<Ticket>('Ticket'), number: 'WX20261122-009', severity: 'critical' },
                ]
              : [],
          next: null,
        }),
      },
    })
    expect(screen.getByText(/您手上没有未完成的工单/)).toBeTruthy()
    const keys = [...container.querySelectorAll('[data-key]')].map((row) => row.getAttribute('data-key'))
    expect(keys).toEqual(['WX20261122-009', 'WX20261122-008'])
    expect(asked.filter(({ path }) => path === '/api/v1/tickets').map(({ search }) => search.get('holder'))).toEqual([
      'wang.li',
      'none',
    ])
    expect(await faults(container)).toEqual([])
  })
})
