import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  session: {
    title: '远程协助',
    prepared: '已备好 {{minutes}} 分钟会话，需医院在设备上同意',
    scopes: '范围：{{scopes}}',
    state: { prepared: '已备好', withdrawn: '已撤回' },
    scope: { diagnose: '诊断', logs: '日志', terminal: '终端', view: '看屏幕', control: '操作屏幕', files: '文件' },
  },
  diagnosis: {
    title: '自动诊断',
    waiting: '已发出，等待设备回复',
    asked: '询问',
    replied: '回复',
    none: '此医院未允许自动诊断，或设备不支持',
  },
  outcome: { ok: '无异常', warn: '需要注意', fail: '异常', refused: '未执行' },
} as const

export const en: Same<typeof zh> = {
  session: {
    title: 'Remote assist',
    prepared: 'A session of {{minutes}} min is prepared; the hospital must consent on the equipment',
    scopes: 'Scopes: {{scopes}}',
    state: { prepared: 'prepared', withdrawn: 'withdrawn' },
    scope: {
      diagnose: 'diagnose',
      logs: 'logs',
      terminal: 'terminal',
      view: 'view the screen',
      control: 'control the screen',
      files: 'files',
    },
  },
  diagnosis: {
    title: 'Automatic diagnosis',
    waiting: 'Sent; waiting for the device',
    asked: 'asked',
    replied: 'answered',
    none: 'This hospital allows no automatic diagnosis, or the device can’t do one',
  },
  outcome: { ok: 'nothing found', warn: 'to be looked at', fail: 'failed', refused: 'not run' },
}

speaks('remote', { zh, en })
