import { speaks } from '../words/i18n.ts'
import type { Same } from '../words/same.ts'

export const zh = {
  title: '目录',
  lead: '平台认识的型号：能上报什么，数值在什么范围是可能的，设备的代码是什么意思，先做什么，带什么。这里没有的代码和信号会被拒收并计数。',
  model: '型号',
  find: '查找代码、信号、文字',
  codes_other: '代码（{{count}}）',
  signals_other: '信号（{{count}}）',
  none: '没有符合的条目',
  range: '可能范围 {{low}} 至 {{high}}',
  above: '高于 {{limit}}',
  below: '低于 {{limit}}',
  lasts: '，持续 {{time}}',
  more: '可能原因、备件、来源',
  causes: '可能原因',
  source: '来源',
  stops: '影响',
  advice: '处理建议',
  ticket: '开工单',
  noTicket: '不开工单',
} as const

export const en: Same<typeof zh> = {
  title: 'Catalog',
  lead: 'The models that the platform knows: what they can report, which values are possible, what their codes mean, what to do first, what to bring. Codes and signals that aren’t here are refused and counted.',
  model: 'Model',
  find: 'Find codes, signals, words',
  codes_one: 'Codes ({{count}})',
  codes_other: 'Codes ({{count}})',
  signals_one: 'Signals ({{count}})',
  signals_other: 'Signals ({{count}})',
  none: 'Nothing fits',
  range: 'possible from {{low}} to {{high}}',
  above: 'above {{limit}}',
  below: 'below {{limit}}',
  lasts: ' for {{time}}',
  more: 'Causes, parts, source',
  causes: 'Likely causes',
  source: 'Source',
  stops: 'Impact',
  advice: 'What to do',
  ticket: 'opens a ticket',
  noTicket: 'opens no ticket',
}

speaks('catalog', { zh, en })
