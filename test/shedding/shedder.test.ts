import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFixedLimit } from '../../src/shedding/in-flight-limit.ts'
import { retryAfter } from '../../src/shedding/retry-after.ts'
import { createShedder } from '../../src/shedding/shedder.ts'
import type { ShedderOptions } from '../../src/shedding/shedder.ts'

const PRIORITIES = ['critical', 'normal', 'sheddable'] as const

test('the last places of a limit are kept for what matters more', () => {
  const { shedder } = still({ inFlight: createFixedLimit(20) })
  const admitted = (priority: typeof PRIORITIES[number]): number => {
    let count = 0
    while (shedder.admit(priority) === undefined) count++
    return count
  }
  assert.deepEqual([admitted('sheddable'), admitted('normal'), admitted('critical')], [15, 3, 2])
  assert.deepEqual(shedder.stats().shed['in-flight'], { critical: 1, normal: 1, sheddable: 1 })
})

test('a limit of one lets one through, of any priority', () => {
  for (const priority of PRIORITIES) {
    const { shedder } = still({ inFlight: createFixedLimit(1) })
    assert.equal(shedder.admit(priority), undefined)
    assert.equal(shedder.admit(priority), 'in-flight')
    shedder.finished(1)
    assert.equal(shedder.admit(priority), undefined)
  }
})

test('counts what is in flight, and tells the limit its latency and the time', () => {
  const told: unknown[] = []
  const { shedder } = still({ inFlight: { limit: () => 5, refused () {}, finished: (...values) => told.push(values) } })
  shedder.admit('normal')
  shedder.admit('normal')
  assert.equal(shedder.stats().inFlight, 2)
  shedder.finished(12)
  shedder.finished(15)
  assert.equal(shedder.stats().inFlight, 0)
  assert.deepEqual(told, [[12, 2, 0], [15, 1, 0]])
})

test('past the budget the rest of a turn is shed, what is critical last', () => {
  const { shedder, work } = still({ maxQueueDelay: 100 })
  shedder.admit('normal')
  work(260)
  assert.equal(shedder.admit('critical'), 'turn-budget')
  const slow = still({ maxQueueDelay: 100 })
  slow.shedder.admit('normal')
  slow.work(240)
  slow.endTurn()
  slow.work(120)
  assert.deepEqual(PRIORITIES.map(priority => slow.shedder.admit(priority)), [undefined, 'turn-budget', 'turn-budget'])
  assert.equal(slow.shedder.stats().shed['turn-budget'].normal, 1)
})

test('with maxQueueDelay false the loop is no reason to shed', () => {
  const { shedder, work, endTurn } = still({ maxQueueDelay: false })
  for (let turn = 0; turn < 100; turn++) {
    assert.equal(shedder.admit('sheddable'), undefined)
    work(1000)
    endTurn()
  }
  assert.equal(shedder.stats().share, 0)
})

test('clients are sent back over as many seconds as serving them takes, and never all at once', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (share, random) => {
    const seconds = retryAfter(share, random)
    assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30, `${seconds}`)
  }))
  const spread = (share: number): number => new Set(Array.from({ length: 1000 }, (_, step) => retryAfter(share, step / 1000))).size
  assert.deepEqual([spread(0), spread(0.5), spread(0.9), spread(0.99)], [2, 4, 20, 30])
})

function still (options: ShedderOptions): { shedder: ReturnType<typeof createShedder>, work: (ms: number) => void, endTurn: () => void } {
  let now = 0
  const callbacks: Array<() => void> = []
  const clock = { now: () => now, idleTime: () => 0, atTurnEnd: (callback: () => void) => { callbacks.push(callback) } }
  return {
    shedder: createShedder({ clock, random: () => 0.5, ...options }),
    work (ms) { now += ms },
    endTurn () { for (const callback of callbacks.splice(0)) callback() }
  }
}
