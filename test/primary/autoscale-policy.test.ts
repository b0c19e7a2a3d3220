// The autoscaling policy: constant loads settle, heavy ones reach the bounds, and no load makes it swing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AUTOSCALE_DEFAULTS } from '../../src/options/autoscale-types.ts'
import type { ResolvedAutoscale } from '../../src/options/autoscale-types.ts'
import { autoscale, NO_TREND } from '../../src/primary/autoscale-policy.ts'
import type { Trend } from '../../src/primary/autoscale-policy.ts'
import { RECORDED_LOAD, RECORDED_PERIOD } from './recorded-load.ts'

const PERIOD = 500
const limits = (changes: Partial<ResolvedAutoscale> = {}): ResolvedAutoscale => ({ ...AUTOSCALE_DEFAULTS, min: 1, max: 16, ...changes })

interface Change { readonly at: number, readonly from: number, readonly to: number }

/** Lets the policy rule over a cluster on which `load(at)` loops' worth of work is wanted; a full cluster queues. */
function rule (load: (at: number) => number, duration: number, given: ResolvedAutoscale, period = PERIOD): { size: number, changes: Change[] } {
  let size = given.min
  let trend = NO_TREND
  const changes: Change[] = []
  for (let at = 0; at <= duration; at += period) {
    const wanted = load(at)
    const verdict = autoscale({ size, utilization: Math.min(1, wanted / size), queued: wanted > size ? 1 : 0 }, trend, at, given)
    trend = verdict.trend
    if (verdict.size === undefined) continue
    changes.push({ at, from: size, to: verdict.size })
    size = verdict.size
  }
  return { size, changes }
}

const bounds = fc.record({ min: fc.integer({ min: 1, max: 8 }), more: fc.integer({ min: 0, max: 24 }), upAt: fc.double({ min: 0.4, max: 0.95, noNaN: true }), gap: fc.double({ min: 0.1, max: 0.9, noNaN: true }) })
  .map(({ min, more, upAt, gap }) => limits({ min, max: min + more, upAt, downAt: upAt * (1 - gap) }))

void test('a constant load is settled, within the bounds and without swinging', () => {
  fc.assert(fc.property(bounds, fc.double({ min: 0, max: 40, noNaN: true }), (given, load) => {
    const { size, changes } = rule(() => load, 20 * 60_000, given)
    assert.ok(size >= given.min && size <= given.max)
    assert.ok(changes.every(({ from, to }) => to > from) || changes.every(({ from, to }) => to < from), `it swung: ${JSON.stringify(changes)}`)
    if (size < given.max) assert.ok(load / size <= given.upAt, 'left too small')
    if (size > given.min && changes.length === 0) assert.fail('it began above its smallest size')
  }))
})

void test('a load that falls away is followed down to what it needs, one worker at a time', () => {
  fc.assert(fc.property(bounds, fc.double({ min: 0, max: 30, noNaN: true }), (given, load) => {
    const { size, changes } = rule(at => at < 120_000 ? 100 : load, 60 * 60_000, given)
    assert.ok(changes.filter(({ from, to }) => to < from).every(({ from, to }) => from - to === 1))
    if (size > given.min) assert.ok(load / (size - 1) >= given.downAt, 'left too large')
    if (size < given.max) assert.ok(load / size <= given.upAt, 'left too small')
  }))
})

void test('no load whatever makes it change sooner than its cooldowns allow or leave its bounds', () => {
  const loads = fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { minLength: 1, maxLength: 400 })
  fc.assert(fc.property(bounds, loads, (given, steps) => {
    const { changes } = rule(at => steps[Math.floor(at / PERIOD)] ?? 0, (steps.length - 1) * PERIOD, given)
    for (const [index, { at, from, to }] of changes.entries()) {
      assert.ok(to >= given.min && to <= given.max && to !== from && to <= from * 2 + 1)
      assert.ok(at - (changes[index - 1]?.at ?? 0) >= (to > from ? given.upAfter : given.downAfter))
    }
  }))
})

void test('a full cluster grows in steps of at most twice its size until it fits', () => {
  const { changes } = rule(() => 9, 60_000, limits())
  assert.deepEqual(changes.map(({ from, to }) => [from, to]), [[1, 2], [2, 4], [4, 7], [7, 12], [12, 15]])
})

void test('what waits in the queue makes it grow, however idle the loops are', () => {
  const hot = autoscale({ size: 2, utilization: 0.1, queued: 3 }, { utilization: 0.1, hotSince: 0, coldSince: undefined }, 3_000, limits())
  assert.deepEqual(hot, { trend: NO_TREND, size: 3, utilization: 0.1 })
})

void test('one calm report in a storm does not begin the wait anew, several do', () => {
  const given = limits()
  const judge = (trend: Trend, latest: number, at: number): Trend => autoscale({ size: 2, utilization: latest, queued: 0 }, trend, at, given).trend
  const hot = judge(NO_TREND, 0.95, 0)
  assert.deepEqual(hot, { utilization: 0.95, hotSince: 0, coldSince: undefined })
  const first = judge(hot, 0.4, 500)
  assert.equal(first.hotSince, 0)
  assert.equal(judge(judge(first, 0.4, 1_000), 0.4, 1_500).hotSince, undefined)
})

void test('over a recorded ramp it carries the plateau with room, at every scale, and comes back down', () => {
  const plateau = RECORDED_LOAD.slice(34, 56)
  const mean = plateau.reduce((sum, load) => sum + load, 0) / plateau.length
  const quiet = RECORDED_LOAD.at(-1) ?? 0
  for (const factor of [1, 4, 12]) {
    const given = limits({ max: 64, downAfter: 5_000 })
    const { size, changes } = rule(at => factor * (RECORDED_LOAD[at / RECORDED_PERIOD] ?? quiet), RECORDED_LOAD.length * RECORDED_PERIOD + 10 * 60_000, given, RECORDED_PERIOD)
    const reached = changes.findLast(({ at }) => at <= 55 * RECORDED_PERIOD)?.to ?? given.min
    // Loops report no more than 1, so of a load that jumps the peaks are cut off: the mean may stay somewhat above `upAt`.
    assert.ok(factor * mean / reached <= (1 + given.upAt) / 2, `${reached} workers for a mean load of ${factor * mean}`)
    assert.ok(factor * mean / (reached - 1) >= given.downAt * 0.8, `${reached} workers are too many for a mean load of ${factor * mean}`)
    assert.equal(size, Math.max(given.min, Math.ceil(factor * quiet / given.downAt)), 'it did not come back')
  }
})
