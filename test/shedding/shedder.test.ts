import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFixedLimit } from '../../src/shedding/in-flight-limit.ts'
import { retryAfter } from '../../src/shedding/retry-after.ts'
import { createShedder } from '../../src/shedding/shedder.ts'
import { FOLLOWED_AFTER_MS } from '../../src/shedding/turn-clock.ts'
import type { Standing } from '../../src/shedding/priorities.ts'
import type { OverloadReason, ShedderOptions } from '../../src/shedding/shedder.ts'

const PRIORITIES = ['critical', 'normal', 'sheddable'] as const

test('the last places of a limit are kept for what matters more', () => {
  const { admit } = still({ inFlight: createFixedLimit(20) })
  const admitted = (priority: typeof PRIORITIES[number]): number => {
    let count = 0
    while (admit(priority) === undefined) count++
    return count
  }
  assert.deepEqual([admitted('sheddable'), admitted('normal'), admitted('critical')], [15, 3, 2])
})

test('a limit of one lets one through, of any priority', () => {
  for (const priority of PRIORITIES) {
    const { admit, shedder } = still({ inFlight: createFixedLimit(1) })
    assert.equal(admit(priority), undefined)
    const admittedAt = shedder.admittedAt()
    assert.equal(admit(priority), 'in-flight')
    assert.equal(shedder.admittedAt(), NaN)
    shedder.finished(admittedAt)
    assert.equal(admit(priority), undefined)
  }
})

test('counts what is in flight, and tells the limit its latency and the time', () => {
  const told: unknown[] = []
  const { admit, shedder, work } = still({ inFlight: { limit: () => 5, refused () {}, finished: (...values) => told.push(values) } })
  const ends = [0, 3].map(ms => {
    work(ms)
    admit('normal')
    return shedder.admittedAt()
  })
  assert.deepEqual([ends, shedder.stats().inFlight], [[0, 3], 2])
  work(9)
  for (const admittedAt of ends) shedder.finished(admittedAt)
  assert.equal(shedder.stats().inFlight, 0)
  assert.deepEqual(told, [[12, 2, 12], [9, 1, 12]])
})

test('what is exempt is never shed, by neither, and counts nowhere', () => {
  const { admit, shedder, work } = still({ maxQueueDelay: 10, inFlight: createFixedLimit(1) })
  work(FOLLOWED_AFTER_MS)
  admit('normal')
  work(1000)
  assert.equal(admit('critical'), 'turn-budget')
  for (let i = 0; i < 3; i++) assert.equal(admit('exempt'), undefined)
  assert.deepEqual([shedder.admittedAt(), shedder.stats().inFlight], [NaN, 1])
})

test('asks how much a request matters only once the loop has not slept for a while, or where there is a limit', () => {
  let asked = 0
  const ask = (): 'normal' => {
    asked++
    return 'normal'
  }
  const { shedder, work, endTurn } = still({})
  for (; shedder.admit('any', ask) === undefined && asked === 0; endTurn()) work(10)
  assert.equal(asked, 1)
  still({ inFlight: createFixedLimit(10) }).shedder.admit('any', ask)
  assert.equal(asked, 2)
})

test('past the budget the rest of a turn is shed, what is critical last', () => {
  const { admit, work } = still({ maxQueueDelay: 100 })
  work(FOLLOWED_AFTER_MS)
  admit('normal')
  work(260)
  assert.equal(admit('critical'), 'turn-budget')
  const slow = still({ maxQueueDelay: 100 })
  slow.work(FOLLOWED_AFTER_MS)
  slow.admit('normal')
  slow.work(240)
  slow.endTurn()
  slow.work(120)
  assert.deepEqual(PRIORITIES.map(priority => slow.admit(priority)), [undefined, 'turn-budget', 'turn-budget'])
})

test('with maxQueueDelay false the loop is no reason to shed', () => {
  const { admit, shedder, work, endTurn } = still({ maxQueueDelay: false })
  for (let turn = 0; turn < 100; turn++) {
    assert.equal(admit('sheddable'), undefined)
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

interface Still {
  readonly shedder: ReturnType<typeof createShedder>
  readonly admit: (standing: Standing) => OverloadReason | undefined
  readonly work: (ms: number) => void
  readonly endTurn: () => void
}

function still (options: Partial<ShedderOptions>): Still {
  let now = 0
  let turns = 0
  const callbacks: Array<() => void> = []
  const clock = { now: () => now, idleTime: () => 0, turns: () => turns, atTurnEnd: (callback: () => void) => { callbacks.push(callback) } }
  const shedder = createShedder({ maxQueueDelay: 100, clock, random: () => 0.5, ...options })
  return {
    shedder,
    admit: standing => shedder.admit(standing, own => own),
    work (ms) { now += ms },
    endTurn () {
      for (const callback of callbacks.splice(0)) callback()
      turns++
    }
  }
}
