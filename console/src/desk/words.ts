import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  untold: {
    title: '工单通知送不到人。',
    'no-recipient': {
      one: '{{first}} 没有启用的收件人。',
      many: '{{first}} 等 {{hospitals}} 家医院没有启用的收件人。',
    },
    failing: { one: '{{first}} 的收件人都联系不上。', many: '{{first}} 等 {{hospitals}} 家医院的收件人都联系不上。' },
    overdue: '有通知已等了 {{age}}。',
  },
  told: { waiting: '待通知', told: '已通知', 'given-up': '未能通知' },
} as const

export const en: Same<typeof zh> = {
  untold: {
    title: 'People are not told of tickets.',
    'no-recipient': {
      one: '{{first}} has no active recipient.',
      many: '{{hospitals}} hospitals have no active recipient, {{first}} first.',
    },
    failing: {
      one: 'No recipient of {{first}} can be reached.',
      many: 'No recipient of {{hospitals}} hospitals can be reached, {{first}} first.',
    },
    overdue: 'A message has waited for {{age}}.',
  },
  told: { waiting: 'waiting', told: 'told', 'given-up': 'could not be told' },
}

speaks('desk', { zh, en })
