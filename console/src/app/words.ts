import type { Same } from '../words/same.ts'

export const zh = {
  name: 'Steth 听诊',
  skip: '跳到正文',
  bar: { help: '帮助与快捷键', logout: '退出', reload: '平台已更新，点此刷新页面' },
  sections: '分区',
  choose: '选一张工单、一条报警或一台设备，在这里看详情',
  help: {
    title: '帮助与快捷键',
    keys: '快捷键',
    on: '启用单键快捷键',
    next: '下一条报警',
    previous: '上一条报警',
    open: '打开选中的报警',
    acknowledge: '确认选中的报警，可写备注，回车发送',
    undo: '撤销确认',
    fresh: '显示等着的新报警',
    help: '打开或关闭这里',
    escape: '取消、关闭',
    reading: '怎么看',
    grey: '灰色是正常，颜色只给异常；每种颜色都配有形状和文字。',
    facts:
      '每台设备有三项互不相混的事实：是否连着、数据是否新、是否健康。数据不新，或一天内有内容被拒收，健康与否就是不明。',
    feed: '左上方的圆点说明页面自己是否收得到数据；超过 10 秒没有消息，整页会标成旧数据。',
    still: '鼠标或焦点在列表上时，行不会移动；新来的会在列表上方等着。',
  },
  broken: { title: '页面出错了', text: '这是我们的错。数据没有丢失，刷新后可继续。', reload: '刷新页面' },
} as const

export const en: Same<typeof zh> = {
  name: 'Steth 听诊',
  skip: 'Skip to content',
  bar: {
    help: 'Help and keys',
    logout: 'Sign out',
    reload: 'The platform was updated: reload the page',
  },
  sections: 'Sections',
  choose: 'Choose a ticket, an alert or a device to see it here',
  help: {
    title: 'Help and keys',
    keys: 'Keys',
    on: 'Single-key shortcuts are on',
    next: 'next alert',
    previous: 'previous alert',
    open: 'open the chosen alert',
    acknowledge: 'acknowledge the chosen alert; write a note if you like, Enter sends',
    undo: 'undo an acknowledgement',
    fresh: 'show the new alerts that wait',
    help: 'open or close this',
    escape: 'cancel, close',
    reading: 'How to read it',
    grey: 'Grey is normal; colour is for the abnormal only, and each colour comes with a shape and a word.',
    facts:
      'Each device has three facts that are never mixed: connected, fresh, healthy. Without fresh data, or after some input was refused within a day, health is unknown.',
    feed: 'The dot at the upper left says whether this page itself is being told; after 10 s of silence, all of it is marked as old.',
    still: 'Rows don’t move while your pointer or focus is on a list; what is new waits above it.',
  },
  broken: {
    title: 'This page failed',
    text: 'It is our fault. No data is lost: reload, and go on.',
    reload: 'Reload the page',
  },
}
