import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { judgeOverload } from '../../src/primary/overload-policy.ts'
import type { LoadedWorker, Strains } from '../../src/primary/overload-policy.ts'

const CALM = { shed: 0, active: false, utilization: 0.3, served: 100 }
const SICK = { shed: 0.6, active: true, utilization: 1, served: 5 }
const FULL = { shed: 0, active: false, utilization: 0.99, served: 100 }

/** Who rests after each period; workers have the keys 1, 2, …. */
function periods (given: ReadonlyArray<ReadonlyArray<Omit<LoadedWorker, 'key'>>>): number[][] {
  let strains: Strains = new Map()
  return given.map(workers => {
    strains = judgeOverload(workers.map((worker, index) => ({ ...worker, key: index + 1 })), strains)
    return resting(strains)
  })
}

function resting (strains: Strains): number[] {
  return [...strains].flatMap(([key, { state }]) => state === 'resting' ? [key] : [])
}

function times<Value> (count: number, value: Value): Value[] {
  return Array.from({ length: count }, () => value)
}

test('a worker that sheds while another has time rests, from its second period on', () => {
  assert.deepEqual(periods(times(3, [SICK, CALM])), [[], [1], [1]])
})

test('where all shed, or the others are full, nobody rests', () => {
  for (const other of [SICK, FULL, { shed: 0.05, active: false, utilization: 0.5, served: 100 }]) assert.deepEqual(periods(times(50, [SICK, other])), times(50, []))
  assert.deepEqual(periods(times(50, [SICK])), times(50, []))
})

test('one that sheds because it has more to do serves on: what it does is no less', () => {
  assert.deepEqual(periods(times(20, [{ ...SICK, served: 20 }, CALM])), times(20, []))
})

test('one to whom all come rests when it sheds nearly all, although nobody else has served anything', () => {
  assert.deepEqual(periods(times(3, [{ ...SICK, shed: 0.99 }, { ...CALM, utilization: 0, served: 0 }])), [[], [1], [1]])
  assert.deepEqual(periods(times(20, [SICK, { ...CALM, utilization: 0, served: 0 }])), times(20, []))
})

test('once the others shed too it serves again', () => {
  assert.deepEqual(periods([...times(2, [SICK, CALM]), [SICK, SICK]]), [[], [1], []])
})

test('a burst in one period is no reason', () => {
  assert.deepEqual(periods(times(20, [[SICK, CALM], [CALM, CALM]]).flat()), times(40, []))
})

test('one that has recovered serves again, one that has not rests twice as long each time', () => {
  // At rest it sheds nothing, because nobody comes.
  const rests: number[] = []
  let strains: Strains = new Map()
  for (let turn = 0; turn < 4; turn++) {
    let rested = 0
    while (resting(strains).length === 0) strains = judgeOverload([{ key: 1, ...SICK }, { key: 2, ...CALM }], strains)
    for (; resting(strains).length > 0; rested++) strains = judgeOverload([{ key: 1, ...CALM }, { key: 2, ...CALM }], strains)
    rests.push(rested)
  }
  assert.deepEqual(rests, [4, 8, 16, 32])
})

test('one that knows it would shed rests on, though nobody comes', () => {
  const sure = { ...CALM, active: true }
  assert.deepEqual(periods([...times(2, [SICK, CALM]), ...times(50, [sure, CALM])]).slice(1), times(51, [1]))
})

test('after a while of serving well the past is forgotten', () => {
  let strains: Strains = new Map([[1, { state: 'serving', periods: 0, relapses: 3 }]])
  for (let period = 0; period < 20; period++) strains = judgeOverload([{ key: 1, ...CALM }, { key: 2, ...CALM }], strains)
  assert.deepEqual([...strains], [])
})

test('never do all rest, and workers that are gone are forgotten', () => {
  const worker = fc.record({ key: fc.integer({ min: 1, max: 4 }), shed: fc.double({ min: 0, max: 1, noNaN: true }), active: fc.boolean(), served: fc.integer({ min: 0, max: 100 }), utilization: fc.double({ min: 0, max: 1, noNaN: true }) })
  fc.assert(fc.property(fc.array(fc.uniqueArray(worker, { selector: ({ key }) => key, minLength: 1 }), { maxLength: 100 }), history => {
    let strains: Strains = new Map()
    for (const workers of history) {
      strains = judgeOverload(workers, strains)
      assert.ok(resting(strains).length < workers.length)
      for (const key of strains.keys()) assert.ok(workers.some(worker => worker.key === key))
    }
  }))
})
