import assert from 'node:assert/strict'
import { test } from 'vitest'
import { figure, quantity } from './say.ts'

const hot = { symbol: '°C', digits: 1, limits: [{ raise_at: 42 }] }

test('a value has its decimals and its unit, and never reads as the limit that it broke', () => {
  assert.equal(quantity(41.26, hot, 'en'), '41.3 °C')
  assert.equal(quantity(42.02, hot, 'en'), '42.02 °C')
  assert.equal(quantity(42, hot, 'en'), '42.0 °C')
  assert.equal(quantity(88, { symbol: '%', digits: 0, limits: [] }, 'zh'), '88%')
  assert.equal(quantity(null, hot, 'zh'), '–')
  assert.equal(figure(1234567.25, { symbol: '', digits: null, limits: [] }, 'en'), '1,234,567')
})
