import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  sending: '正在发送…',
  retrying: '没有发出去，{{seconds}} 秒后再试（第 {{tries}} 次）',
  signIn: '登录后继续发送',
  conflict: '别人先改了：{{now}}。您的操作没有执行。',
  conflictPlain: '别人刚刚改过，您的操作没有执行，请看清后再决定。',
  refused: '没有执行：{{reason}}',
  givenUp: '多次发送未成功，不确定是否已执行。',
  again: '再试',
  drop: '放弃',
} as const

export const en: Same<typeof zh> = {
  sending: 'Sending…',
  retrying: 'Not sent; next try in {{seconds}} s (try {{tries}})',
  signIn: 'Goes out after you sign in',
  conflict: 'Somebody was faster: {{now}}. What you did was not applied.',
  conflictPlain: 'Somebody changed it meanwhile. What you did was not applied: look, and decide again.',
  refused: 'Not done: {{reason}}',
  givenUp: 'Several tries got no answer; it may or may not have been done.',
  again: 'Try again',
  drop: 'Drop it',
}

speaks('act', { zh, en })
