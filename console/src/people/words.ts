import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  login: {
    lead: '设备远程监护与协助',
    user: '用户名',
    password: '密码',
    show: '显示密码',
    hide: '隐藏密码',
    submit: '登录',
    busy: '正在登录…',
    again: '登录已失效，请重新登录。未发出的操作会保留，登录后继续发送。',
    wait: '失败次数过多，请在 {{seconds}} 秒后再试',
  },
  password: {
    change: '修改密码',
    changed: '密码已修改',
    first: '这个密码是系统生成的：请先设置自己的密码',
    lead: '修改后，此账号在其他地方的登录和令牌都会失效',
    old: '当前密码',
    new: '新密码',
    repeat: '再输一次新密码',
    rule: '12 到 128 个字符，几个词连起来即可；不要用账号名或常见密码',
    differs: '两次输入的新密码不一致',
    wrong: '当前密码不对',
    submit: '修改密码',
  },
  role: {
    staff: '平台',
    manager: '经理',
    noc: '值班 NOC',
    engineer: '工程师',
    equipment: '设备科',
    it: '信息科',
    department: '科室',
  },
  kind: { operator: '运营方', dealer: '服务商', hospital: '医院' },
  who: '{{user}}，{{kind}}：{{org}}，{{role}}',
  system: '系统',
  former: '前服务商',
} as const

export const en: Same<typeof zh> = {
  login: {
    lead: 'Remote monitoring and remote assist for medical equipment',
    user: 'User',
    password: 'Password',
    show: 'Show password',
    hide: 'Hide password',
    submit: 'Sign in',
    busy: 'Signing in…',
    again: 'Your session is over: sign in again. What was not sent yet is kept, and goes out afterwards.',
    wait: 'Too many failures: try again in {{seconds}} s',
  },
  password: {
    change: 'Change password',
    changed: 'The password was changed',
    first: 'This password was made for you: choose your own first',
    lead: 'Whatever else this account is signed in with, tokens too, ends with it',
    old: 'Current password',
    new: 'New password',
    repeat: 'New password again',
    rule: '12 to 128 characters, such as some words in a row; neither the account’s name nor a common password',
    differs: 'The two new passwords differ',
    wrong: 'The current password is wrong',
    submit: 'Change password',
  },
  role: {
    staff: 'platform staff',
    manager: 'manager',
    noc: 'NOC',
    engineer: 'engineer',
    equipment: 'equipment department',
    it: 'IT department',
    department: 'department',
  },
  kind: { operator: 'operator', dealer: 'dealer', hospital: 'hospital' },
  who: '{{user}}, {{kind}}: {{org}}, {{role}}',
  system: 'system',
  former: 'the dealer before',
}

speaks('people', { zh, en })
