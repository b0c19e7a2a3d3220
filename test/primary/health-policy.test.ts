// Who rests and who is replaced when health checks fail, by example and in thousands of random situations.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { judgeHealth } from '../../src/primary/health-policy.ts'
import type { CheckedWorker, Relapses } from '../../src/primary/health-policy.ts'

const NONE: Relapses = new Map()

function worker (key: number, failures = 0, changes: Partial<CheckedWorker> = {}): CheckedWorker {
  return { key, slot: key, state: 'ready', health: failures > 0 ? 'unhealthy' : 'healthy', failures, ...changes }
}

void test('unhealthy workers rest from the first failure, as long as somebody else is fit', () => {
  assert.deepEqual([...judgeHealth([worker(1), worker(2, 1), worker(3, 2)], NONE, 3).resting], [2, 3])
  assert.deepEqual([...judgeHealth([worker(1, 1), worker(2, 1)], NONE, 3).resting], [])
  assert.deepEqual([...judgeHealth([worker(1, 1), worker(2, 0, { health: 'unchecked' })], NONE, 3).resting], [1])
  assert.deepEqual([...judgeHealth([worker(1, 1), worker(2, 0, { state: 'other' })], NONE, 3).resting], [])
})

void test('one is replaced at the limit, the sickest first, and the next only once it has gone', () => {
  assert.equal(judgeHealth([worker(1), worker(2, 2)], NONE, 3).replace, undefined)
  assert.equal(judgeHealth([worker(1), worker(2, 3), worker(3, 5)], NONE, 3).replace, 3)
  assert.equal(judgeHealth([worker(1), worker(2, 3), worker(3, 5, { state: 'replaced' })], NONE, 3).replace, undefined)
})

void test('a slot whose replacements fail too is replaced more and more seldom, until one of them was healthy', () => {
  let relapses = NONE
  const waits: number[] = []
  for (let key = 1; key <= 9; key++) {
    let failures = 0
    for (let replaced = false; !replaced;) {
      const verdict = judgeHealth([worker(key, ++failures, { slot: 1 })], relapses, 3)
      relapses = verdict.relapses
      replaced = verdict.replace === key
    }
    waits.push(failures)
  }
  assert.deepEqual(waits, [3, 6, 12, 24, 48, 96, 192, 192, 192])
  relapses = judgeHealth([worker(10, 0, { slot: 1 })], relapses, 3).relapses
  assert.equal(judgeHealth([worker(10, 3, { slot: 1 })], relapses, 3).replace, 10)
})

void test('whatever the situation, not all rest, only the unhealthy do, and none is replaced below the limit', () => {
  const anyWorker = fc.record({
    key: fc.integer(),
    slot: fc.integer({ min: 1, max: 4 }),
    state: fc.constantFrom('ready', 'replaced', 'other'),
    health: fc.constantFrom('unchecked', 'healthy', 'unhealthy'),
    failures: fc.nat(500)
  })
  fc.assert(fc.property(fc.uniqueArray(anyWorker, { selector: ({ key }) => key, maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (workers, limit) => {
    const { resting, replace } = judgeHealth(workers as CheckedWorker[], NONE, limit)
    const ready = workers.filter(({ state }) => state === 'ready')
    assert.ok(ready.length === 0 || resting.size < ready.length)
    for (const key of resting) assert.equal(workers.find(candidate => candidate.key === key)?.health, 'unhealthy')
    const chosen = workers.find(({ key }) => key === replace)
    if (chosen === undefined) return
    assert.ok(chosen.state === 'ready' && chosen.health === 'unhealthy' && chosen.failures >= limit)
    assert.ok(workers.every(({ state }) => state !== 'replaced'))
  }), { numRuns: 3_000 })
})
