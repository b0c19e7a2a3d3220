import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoopShedder } from '../../src/shedding/loop-shedder.ts'
import type { LoopShedder } from '../../src/shedding/loop-shedder.ts'
import { seeded } from '../helpers/random.ts'
import { simulateLoop, summarize } from './simulation/loop.ts'
import type { LoopModel, Summary } from './simulation/loop.ts'

const SERVICE_MS = 5
const SHED_MS = 0.035
const CAPACITY = 1000 / SERVICE_MS
const [FROM, UNTIL] = [3000, 23_000]
const SEEDS = [1, 2, 3]

for (const [factor, least] of [[1.2, 0.98], [2, 0.98], [5, 0.95], [10, 0.9]] as const) {
  test(`at ${factor} times the capacity the loop does at least ${least} of what it can, evenly`, () => {
    for (const seed of SEEDS) {
      const { goodput, p99, seconds } = overload(seed, factor)
      assert.ok(goodput >= least, `goodput ${goodput}`)
      assert.ok(p99 <= 300, `p99 ${p99}`)
      const mean = seconds.reduce((sum, second) => sum + second) / seconds.length
      for (const second of seconds) assert.ok(Math.abs(second / mean - 1) <= 0.1, `a second at ${second}`)
    }
  })
}

test('without shedding nearly nothing of it is of use, so the model is able to fail', () => {
  const answers = simulateLoop(model(1, () => 2 * CAPACITY), () => () => undefined)
  assert.ok(summarize(answers, { capacity: CAPACITY, from: FROM, until: UNTIL }).goodput < 0.05)
})

test('what is critical goes first: all but 1 % of it at twice the capacity, and 90 % of the work at five times', () => {
  for (const seed of SEEDS) {
    assert.ok(overload(seed, 2).success.critical >= 0.99)
    // A third of five times the capacity is more than all of it: 0.6 is the most that can be served.
    const { critical, normal, sheddable } = overload(seed, 5).success
    assert.ok(critical / (critical + normal + sheddable) >= 0.9, `${critical}, ${normal}, ${sheddable}`)
  }
})

test('sheds nothing at 0.7 of the capacity', () => {
  for (const seed of SEEDS) {
    const answers = simulateLoop(model(seed, () => 0.7 * CAPACITY), decideWith(seed))
    assert.deepEqual(answers.filter(({ served }) => !served), [])
  }
})

test('one slow handler in an app with time to spare sheds nobody', () => {
  const stalls = new Set([50, 250, 450])
  let handled = 0
  const answers = simulateLoop({ ...model(1, () => 100), service: () => stalls.has(++handled) ? 200 : 1 }, decideWith(1))
  assert.deepEqual(answers.filter(({ served }) => !served), [])
})

test('a burst of ten times the capacity leaves no trace a second after it', () => {
  for (const seed of SEEDS) {
    const burst = (now: number): number => now >= 5000 && now < 7000 ? 10 * CAPACITY : 0.5 * CAPACITY
    const after = simulateLoop(model(seed, burst), decideWith(seed)).filter(({ came }) => came >= 8000)
    assert.ok(after.filter(({ served }) => !served).length / after.length < 0.01)
    assert.ok(after.every(({ came, answered }) => answered - came < 200))
  }
})

test('handlers of other lengths are no trouble: at twice the capacity at least 0.9 is done', () => {
  for (const service of [0.5, 1, 20, 50]) {
    const random = seeded(9)
    const answers = simulateLoop({ random, rate: () => 2000 / service, until: UNTIL, service: () => service, shedCost: 0.01 }, clock => decideBy(createLoopShedder({ maxQueueDelay: 100, clock, random })))
    const { goodput, p99 } = summarize(answers, { capacity: 1000 / service, from: FROM, until: UNTIL })
    assert.ok(goodput >= 0.9, `${service} ms: ${goodput}`)
    assert.ok(p99 <= 350, `${service} ms: p99 ${p99}`)
  }
})

test('after a long sleep nothing of an overload is left', () => {
  let [now, idle, turns] = [0, 0, 0]
  const ends: Array<() => void> = []
  const shedder = createLoopShedder({ maxQueueDelay: 100, random: seeded(1), clock: { now: () => now, idleTime: () => idle, turns: () => turns, atTurnEnd: callback => ends.push(callback) } })
  const decide = decideBy(shedder)
  for (let turn = 0; turn < 100; turn++) {
    for (let request = 0; request < 30; request++) now += decide('normal') === undefined ? 5 : 0.02
    for (const end of ends.splice(0)) end()
    turns++
  }
  assert.ok(shedder.share() > 0.1 && shedder.delay() > 0)
  now += 5000
  idle += 5000
  assert.deepEqual([shedder.share(), shedder.delay()], [0, 0])
  decide('normal')
  for (const end of ends.splice(0)) end()
  assert.equal(shedder.share(), 0)
})

function overload (seed: number, factor: number): Summary {
  return summarize(simulateLoop(model(seed, () => factor * CAPACITY), decideWith(seed)), { capacity: CAPACITY, from: FROM, until: UNTIL })
}

function model (seed: number, rate: (now: number) => number): LoopModel {
  return { random: seeded(seed), rate, until: UNTIL, service: () => SERVICE_MS, shedCost: SHED_MS }
}

function decideWith (seed: number): Parameters<typeof simulateLoop>[1] {
  return clock => decideBy(createLoopShedder({ maxQueueDelay: 100, clock, random: seeded(seed + 1000) }))
}

function decideBy ({ arrived, decide }: LoopShedder): ReturnType<Parameters<typeof simulateLoop>[1]> {
  return priority => arrived() ? decide(priority) : undefined
}
