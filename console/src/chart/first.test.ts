import assert from 'node:assert/strict'
import { test } from 'vitest'
import { firstSignal } from './first.ts'

const measured = (...metrics: string[]) =>
  metrics.flatMap((each) => {
    const [metric = '', unit = '1'] = each.split(' ')
    return [1, 2, 3].map(() => ({ metric, unit }))
  })

test('a ticket shows the signal that says most', () => {
  const all = measured(
    'exposure.index',
    'tube.exposures_total',
    'tube.voltage kV',
    'detector.battery %',
    'detector.temperature Cel',
  )
  assert.equal(firstSignal('x', [undefined, 'tube.heat'], all), 'tube.heat')
  assert.equal(firstSignal('detector.temperature', [], all), 'detector.temperature')
  assert.equal(firstSignal('generator.kv', [], all), 'tube.voltage')
  assert.equal(firstSignal('tube.rotor', [], all), 'tube.voltage', 'a counter shows no fault')
  assert.equal(firstSignal('printer', [], all), 'exposure.index')
  assert.equal(firstSignal('detector.link', [], [{ metric: 'detector.battery', unit: '%' }]), 'detector.battery')
  const twice = ['detector.battery %', 'tube.voltage kV'].map((each) => each.split(' '))
  const few = [...twice, ...twice].map(([metric = '', unit = '']) => ({ metric, unit }))
  assert.equal(
    firstSignal('generator.kv', [], few),
    'tube.voltage',
    'two points of what failed tell more than many others',
  )
  assert.equal(firstSignal('printer', [], []), null)
})
