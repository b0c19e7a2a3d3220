import assert from 'node:assert/strict'
import test from 'node:test'
import { createRateMeter } from '../../src/admin/rate-meter.ts'
import type { Reporter } from '../../src/admin/cluster.ts'
import type { Snapshot } from '../../src/snapshot.ts'

interface Worker extends Reporter { gone: boolean }

function worker (): Worker {
  const made: Worker = { slot: 1, gone: false, isGone: () => made.gone }
  return made
}

function counts (good: number, shed = 0, failed = 0): Snapshot {
  return { requests: { responses: { '1xx': 0, '2xx': good, '3xx': 0, '4xx': 0, '5xx': failed + shed }, shed } } as unknown as Snapshot
}

test('rates are those of the time that was counted in, however many reports a period has', () => {
  let now = 0
  const meter = createRateMeter(() => now)
  const one = worker()
  let total = 0
  meter.report(one, counts(0))
  // 100 a second, reported each 700 ms, taken each 2 s: two or three reports.
  const taken: number[] = []
  for (now = 100; now <= 20_000; now += 100) {
    total += 10
    if (now % 700 === 0) meter.report(one, counts(total))
    if (now % 2_000 === 0) taken.push(meter.take().good)
  }
  assert.deepEqual(taken, taken.map(() => 100))
})

test('what was shed is neither good nor failed', () => {
  let now = 0
  const meter = createRateMeter(() => now)
  const one = worker()
  meter.report(one, counts(0))
  now = 2_000
  meter.report(one, counts(40, 20, 10))
  assert.deepEqual(meter.take(), { good: 20, failed: 5, shed: 10 })
})

test('a worker that follows another begins at zero, and one that has ended counts no more', () => {
  let now = 0
  const meter = createRateMeter(() => now)
  const [old, next] = [worker(), worker()]
  meter.report(old, counts(1_000_000))
  meter.take()
  now = 1_000
  meter.report(old, counts(1_000_100))
  old.gone = true
  now = 2_000
  meter.report(next, counts(7))
  assert.deepEqual(meter.take(), { good: 50, failed: 0, shed: 0 })
  now = 4_000
  meter.report(next, counts(27))
  assert.deepEqual(meter.take(), { good: 10, failed: 0, shed: 0 })
})

test('a worker that reports rarely goes on as before, and one that is silent for long does not', () => {
  let now = 0
  const meter = createRateMeter(() => now)
  const one = worker()
  meter.report(one, counts(0))
  now = 5_000
  meter.report(one, counts(500))
  assert.equal(meter.take().good, 100)
  now = 9_000
  assert.equal(meter.take().good, 100)
  now = 16_000
  assert.equal(meter.take().good, 0)
})
