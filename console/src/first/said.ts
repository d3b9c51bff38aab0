/** The words that stand before the page is there: those that the page says later, which a test holds. */

import type { Language } from '../words/chosen.ts'

const zh = {
  loading: '正在加载…',
  back: '返回',
  stops: '影响',
  advice: '建议',
  broken: '页面没有加载完，请检查网络',
  retry: '重试',
  severity: { critical: '紧急', major: '重要', minor: '一般', warning: '提醒' },
  status: {
    new: '待受理',
    'to-dispatch': '待派单',
    accepted: '已接单',
    'on-site': '已到场',
    'awaiting-parts': '待备件',
    'to-verify': '待验收',
    closed: '已关闭',
  },
}

export const WORDS: Readonly<Record<Language, typeof zh>> = {
  zh,
  en: {
    loading: 'Loading…',
    back: 'Back',
    stops: 'Impact',
    advice: 'Advice',
    broken: 'The page could not be loaded: check the network',
    retry: 'Retry',
    severity: { critical: 'critical', major: 'major', minor: 'minor', warning: 'warning' },
    status: {
      new: 'new',
      'to-dispatch': 'to dispatch',
      accepted: 'accepted',
      'on-site': 'on site',
      'awaiting-parts': 'awaiting parts',
      'to-verify': 'to verify',
      closed: 'closed',
    },
  },
}
