// The recycling policy: single decisions, and a simulated cluster that leaks for hours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RECYCLE_DEFAULTS } from '../../src/options/recycle-defaults.ts'
import { chooseRecycle, drawThresholds, dueForRecycle, heapFloor } from '../../src/primary/recycle-policy.ts'
import type { RecycleOptions, WornWorker } from '../../src/primary/recycle-policy.ts'

const MIB = 1024 * 1024
const middle = (): number => 0.5
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

function worker (fields: Partial<WornWorker>, options: Partial<RecycleOptions> = {}): WornWorker {
  const thresholds = drawThresholds({ ...RECYCLE_DEFAULTS, ...options }, middle)
  return { key: 1, state: 'ready', readyAt: 0, requests: 0, rss: 100 * MIB, heapUsed: 50 * MIB, heapLimit: 1_000 * MIB, thresholds, ...fields }
}

test('recycles nobody for age, requests or size by default', () => {
  assert.equal(dueForRecycle(worker({ requests: 1e12, rss: 1e12, heapUsed: 800 * MIB }), 1e12), undefined)
})

test('names the limit that was reached', () => {
  assert.equal(dueForRecycle(worker({ requests: 1_000 }, { maxRequests: 1_000 }), 20_000)?.limit, 'maxRequests')
  assert.equal(dueForRecycle(worker({ requests: 999 }, { maxRequests: 1_000 }), 20_000), undefined)
  assert.equal(dueForRecycle(worker({}, { maxAge: 60_000 }), 60_000)?.limit, 'maxAge')
  assert.equal(dueForRecycle(worker({ rss: 300 * MIB }, { maxRss: 200 * MIB }), 20_000)?.limit, 'maxRss')
  assert.equal(dueForRecycle(worker({ heapUsed: 300 * MIB }, { maxHeap: 200 * MIB }), 20_000)?.limit, 'maxHeap')
})

test('names the limit that is furthest behind where several were reached', () => {
  const limits = { maxRequests: 1_000, maxRss: 200 * MIB }
  assert.equal(dueForRecycle(worker({ requests: 1_100, rss: 300 * MIB }, limits), 20_000)?.limit, 'maxRss')
  assert.equal(dueForRecycle(worker({ requests: 1_900, rss: 300 * MIB }, limits), 20_000)?.limit, 'maxRequests')
})

test('recycles a worker whose heap is nearly full whatever the options and its age', () => {
  assert.equal(dueForRecycle(worker({ heapUsed: 901 * MIB }, { maxRequests: 1 }), 1)?.limit, 'heapShare')
  assert.equal(dueForRecycle(worker({ heapUsed: 999 * MIB }, { heapShare: false }), 1), undefined)
  assert.equal(dueForRecycle(worker({ heapUsed: 0, heapLimit: 0 }), 1), undefined)
})

test('does not count memory against a worker that has only begun', () => {
  const young = worker({ rss: 300 * MIB, heapUsed: 300 * MIB }, { maxRss: 200 * MIB, maxHeap: 200 * MIB })
  assert.equal(dueForRecycle(young, RECYCLE_DEFAULTS.minAge - 1), undefined)
  assert.equal(dueForRecycle(young, RECYCLE_DEFAULTS.minAge)?.limit, 'maxRss')
})

test('takes what survives collections for the size of a heap, not the garbage between', () => {
  const saw = Array.from({ length: 30 }, (_, index) => (100 + (index % 8) * 110) * MIB)
  assert.equal(heapFloor(saw), 100 * MIB)
  assert.equal(heapFloor([]), 0)
  assert.equal(heapFloor([900, 950, 920]), 900)
})

test('draws limits within the jitter, and never has one where none was set', () => {
  fc.assert(fc.property(fc.array(chance, { minLength: 4, maxLength: 4 }), fc.double({ min: 0, max: 1, noNaN: true }), (chances, jitter) => {
    const drawn = [...chances]
    const thresholds = drawThresholds({ ...RECYCLE_DEFAULTS, maxRequests: 1_000, maxAge: 60_000, maxRss: 200 * MIB, maxHeap: false, jitter }, () => drawn.shift() ?? 0)
    for (const [limit, value] of [[1_000, thresholds.maxRequests], [60_000, thresholds.maxAge], [200 * MIB, thresholds.maxRss]] as const) {
      assert.ok(value >= limit * (1 - jitter) - 1e-6 && value <= limit * (1 + jitter) + 1e-6)
    }
    assert.equal(thresholds.maxHeap, Infinity)
  }))
})

test('chooses nobody while one is still being recycled, and the most urgent otherwise', () => {
  const late = worker({ key: 1, requests: 1_100 }, { maxRequests: 1_000 })
  const later = worker({ key: 2, requests: 1_500 }, { maxRequests: 1_000 })
  const full = worker({ key: 3, heapUsed: 950 * MIB })
  assert.equal(chooseRecycle([late, later], 1)?.key, 2)
  assert.equal(chooseRecycle([late, later, full], 1)?.key, 3)
  assert.equal(chooseRecycle([late, { ...later, state: 'other' }], 1)?.key, 1)
  assert.equal(chooseRecycle([late, full, { ...later, state: 'recycling' }], 1), undefined)
})

test('recycles a leaking cluster for hours: one at a time, everybody in turn, nobody much beyond a limit', () => {
  const options: RecycleOptions = { ...RECYCLE_DEFAULTS, maxRss: 400 * MIB, maxRequests: 50_000 }
  const scene = fc.record({ size: fc.integer({ min: 1, max: 12 }), leak: fc.double({ min: 0.2, max: 2, noNaN: true }), takes: fc.integer({ min: 1, max: 12 }), seed: fc.integer() })
  fc.assert(fc.property(scene, ({ size, leak, takes, seed }) => {
    const random = seeded(seed)
    let key = 0
    const born = (readyAt: number): WornWorker => worker({ key: ++key, readyAt, rss: 80 * MIB, thresholds: drawThresholds(options, random) })
    let workers = Array.from({ length: size }, () => born(0))
    let doneAt = Infinity
    const gone = new Set<number>()
    for (let second = 1; second <= 7_200; second++) {
      const now = second * 1_000
      workers = workers.map(one => ({ ...one, rss: one.rss + leak * MIB, requests: one.requests + 20 }))
      if (now >= doneAt) {
        // The replacement has been made ready first; now the old one is gone.
        workers = [...workers.filter(({ state }) => state !== 'recycling'), born(now)]
        doneAt = Infinity
      }
      const choice = chooseRecycle(workers, now)
      if (choice !== undefined) {
        assert.equal(doneAt, Infinity, 'one at a time')
        gone.add(choice.key)
        doneAt = now + takes * 1_000
        workers = workers.map(one => one.key === choice.key ? { ...one, state: 'recycling' as const } : one)
      }
      assert.equal(workers.length, size)
      // At worst all others go first.
      for (const { rss } of workers) assert.ok(rss <= (440 + (size + 1) * (takes + 1) * leak) * MIB, `${rss / MIB} MiB`)
    }
    for (let first = 1; first <= size; first++) assert.ok(gone.has(first), `worker ${first} of ${size} was never recycled`)
  }), { numRuns: 25 })
})

test('spreads workers of one age over time', () => {
  const random = seeded(7)
  const limits = Array.from({ length: 64 }, () => drawThresholds({ ...RECYCLE_DEFAULTS, maxAge: 3_600_000 }, random).maxAge)
  assert.ok(Math.max(...limits) - Math.min(...limits) > 3_600_000 * 0.15)
})

/** Park and Miller's minimal standard generator. */
function seeded (seed: number): () => number {
  let state = Math.abs(seed) % 2_147_483_646 + 1
  return () => {
    state = state * 48_271 % 2_147_483_647
    return state / 2_147_483_647
  }
}
