import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  live: '实时',
  reconnecting: '正在重连',
  'catching-up': '正在补齐',
  connecting: '正在连接',
  silent: '数据中断',
  'signed-out': '未登录',
  asOf: '数据截至 {{time}}',
  never: '尚未收到数据',
  silentTitle: '实时数据中断，已 {{age}}',
  silentNever: '连不上平台，已 {{age}}',
  silentText: '下面是 {{time}} 时的情况，可能已变化。正在自动重连，恢复后会补齐。',
  silentEmpty: '正在自动重连。请检查网络；若持续不通，请联系平台管理员。',
  blind: '平台收不到设备',
  blindTitle: '平台现在收不到设备的数据',
  blindText: '设备的情况不明；下面是此前的情况。',
  catchingTitle: '已重新连上，正在补齐中断期间的变化',
  catchingText: '补齐之前，下面的数据仍按中断前显示。',
  retry: '立即重连',
} as const

export const en: Same<typeof zh> = {
  live: 'Live',
  reconnecting: 'Reconnecting',
  'catching-up': 'Catching up',
  connecting: 'Connecting',
  silent: 'No feed',
  'signed-out': 'Signed out',
  asOf: 'as of {{time}}',
  never: 'nothing heard yet',
  silentTitle: 'No live data for {{age}}',
  silentNever: 'The platform has been out of reach for {{age}}',
  silentText:
    'Below is how it was at {{time}}; it may have changed. Reconnecting by itself, and catching up after that.',
  silentEmpty: 'Reconnecting by itself. Check the network; if it stays like this, tell the platform’s administrator.',
  blind: 'Devices not heard',
  blindTitle: 'The platform is not taking what devices report',
  blindText: 'How the devices are is unknown; below is how it was before.',
  catchingTitle: 'Connected again: fetching what changed meanwhile',
  catchingText: 'Until then, what you see is from before the interruption.',
  retry: 'Reconnect now',
}

speaks('feed', { zh, en })
