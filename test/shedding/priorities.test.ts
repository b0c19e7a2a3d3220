import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PRIORITIES, nextMix, spread } from '../../src/shedding/priorities.ts'
import type { PerPriority } from '../../src/shedding/priorities.ts'
import { createThinning } from '../../src/shedding/thinning.ts'
import { seeded } from '../helpers/random.ts'

const THIRDS: PerPriority = { critical: 1 / 3, normal: 1 / 3, sheddable: 1 / 3 }
const mixture = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000)).filter(([a, b, c]) => a + b + c > 0)
  .map(([a, b, c]): PerPriority => ({ critical: a / (a + b + c), normal: b / (a + b + c), sheddable: c / (a + b + c) }))

test('what is taken from the priorities together is the share to shed', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 0.995, noNaN: true }), mixture, (share, mix) => {
    const shares = spread(share, mix)
    const taken = PRIORITIES.reduce((sum, priority) => sum + shares[priority] * mix[priority], 0)
    assert.ok(Math.abs(taken - share) < 1e-9, `${taken} of ${share}`)
  }))
})

test('nothing is taken from a priority before all of the one below is', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 0.995, noNaN: true }), mixture, (share, mix) => {
    const { critical, normal, sheddable } = spread(share, mix)
    if (normal > 1e-9 && mix.sheddable > 0) assert.ok(sheddable > 1 - 1e-9)
    if (critical > 1e-9 && mix.normal > 0) assert.ok(normal > 1 - 1e-9)
  }))
})

test('at twice the capacity of a third each, all that is critical and half of what is normal is served', () => {
  const { critical, normal, sheddable } = spread(0.5, THIRDS)
  assert.deepEqual([critical, sheddable], [0, 1])
  assert.ok(Math.abs(normal - 0.5) < 1e-9)
})

test('the mix follows the traffic within a second, and keeps without traffic', () => {
  let mix: PerPriority = { critical: 1, normal: 0, sheddable: 0 }
  assert.deepEqual(nextMix(mix, { critical: 0, normal: 0, sheddable: 0 }), mix)
  for (let periods = 0; periods < 50; periods++) mix = nextMix(mix, { critical: 0, normal: 5, sheddable: 5 })
  assert.ok(mix.critical < 0.01 && Math.abs(mix.normal - 0.5) < 0.01)
})

test('thinning takes the share to within two requests, over any number of them and any seed', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), fc.integer({ min: 1, max: 2000 }), (share, seed, count) => {
    const thinning = createThinning(seeded(seed))
    let taken = 0
    for (let request = 0; request < count; request++) if (thinning.takes(share)) taken++
    assert.ok(Math.abs(taken - share * count) <= 2, `${taken} of ${count} at ${share}`)
  }))
})

test('traffic that alternates does not lose the same requests always', () => {
  const thinning = createThinning(seeded(1))
  const taken = [0, 0]
  for (let request = 0; request < 2000; request++) if (thinning.takes(0.5)) taken[request % 2] = (taken[request % 2] ?? 0) + 1
  for (const count of taken) assert.ok(count > 400 && count < 600, `${taken.join(', ')}`)
})
