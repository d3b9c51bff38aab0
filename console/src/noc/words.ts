import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  inbox: {
    title: '待处理',
    alerts_other: '无人确认的报警 {{count}} 条',
    tickets_other: '无人接手的工单 {{count}} 张',
    clear: '没有待处理的：报警都有人确认，工单都有人接手。',
    look: '看所有未恢复的报警',
    waiting_other: '新来 {{count}} 条，显示',
    keys: 'j k 上下，a 确认，r 受理工单，u 撤销，Enter 打开',
    what: '事项',
    state: '状态',
    unacknowledged: '未确认',
    received: '已受理：{{what}}',
  },
  wall: {
    title: '值班大屏',
    alerts: '未恢复的报警',
    waiting: '无人确认',
    tickets: '未关闭的工单',
    nobody: '无人负责',
    devices: '设备',
    sites_other: '{{count}} 个院区有异常',
    none: '没有一个院区有异常',
    more_other: '另有 {{count}} 个院区未列出',
    oldest: '最久无人确认的紧急报警',
    noneOldest: '没有无人确认的紧急报警',
    unfetched: '有数据没有取到，以下可能不全',
    loading: '正在取数据…',
  },
} as const

export const en: Same<typeof zh> = {
  inbox: {
    title: 'Inbox',
    alerts_one: '{{count}} alert that nobody has acknowledged',
    alerts_other: '{{count}} alerts that nobody has acknowledged',
    tickets_one: '{{count}} ticket that nobody has',
    tickets_other: '{{count}} tickets that nobody has',
    clear: 'Nothing waits: each alert is acknowledged, and somebody has each ticket.',
    look: 'See all open alerts',
    waiting_one: 'Show {{count}} new',
    waiting_other: 'Show {{count}} new',
    keys: 'j k down and up, a acknowledge, r receive a ticket, u undo, Enter open',
    what: 'What waits',
    state: 'State',
    unacknowledged: 'unacknowledged',
    received: 'Received: {{what}}',
  },
  wall: {
    title: 'NOC wall',
    alerts: 'Open alerts',
    waiting: 'unacknowledged',
    tickets: 'Open tickets',
    nobody: 'unassigned',
    devices: 'Devices',
    sites_one: 'Something is wrong at {{count}} site',
    sites_other: 'Something is wrong at {{count}} sites',
    none: 'Nothing is wrong at any site',
    more_one: '{{count}} of them isn’t shown',
    more_other: '{{count}} of them aren’t shown',
    oldest: 'Critical and unacknowledged the longest',
    noneOldest: 'No critical alert is unacknowledged',
    unfetched: 'Something could not be fetched: this may not be all',
    loading: 'Loading…',
  },
}

speaks('noc', { zh, en })
