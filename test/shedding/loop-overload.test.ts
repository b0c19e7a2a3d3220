import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createShedder } from '../../src/shedding/shedder.ts'
import type { Shedder } from '../../src/shedding/shedder.ts'
import { seeded } from '../helpers/random.ts'
import { createFakeLoop, simulateLoop, summarize } from './simulation/loop.ts'
import type { LoopModel, Summary } from './simulation/loop.ts'

const SERVICE_MS = 5
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
  const answers = simulateLoop({ ...model(1, () => 2 * CAPACITY), maxQueueDelay: false })
  assert.ok(summarize(answers, { capacity: CAPACITY, from: FROM, until: UNTIL }).goodput < 0.05)
})

test('what is critical goes first: all but 1 % of it at twice the capacity, and 95 % of the work at five times', () => {
  for (const seed of SEEDS) {
    const twice = overload(seed, 2).success
    assert.ok(twice.critical >= 0.99 && twice.sheddable < 0.05, JSON.stringify(twice))
    // A third of five times the capacity is more than all of it: 0.6 is the most that can be served.
    const { critical, normal, sheddable } = overload(seed, 5).success
    assert.ok(critical / (critical + normal + sheddable) >= 0.95, `${critical}, ${normal}, ${sheddable}`)
  }
})

test('sheds nothing at 0.7 of the capacity', () => {
  for (const seed of SEEDS) {
    const answers = simulateLoop(model(seed, () => 0.7 * CAPACITY))
    assert.deepEqual(answers.filter(({ served }) => !served), [])
  }
})

test('one slow handler in an app with time to spare sheds nobody', () => {
  const stalls = new Set([50, 250, 450])
  let handled = 0
  const answers = simulateLoop({ ...model(1, () => 100), service: () => stalls.has(++handled) ? 200 : 1 })
  assert.deepEqual(answers.filter(({ served }) => !served), [])
})

test('nor does one in an app with half of its capacity to do', () => {
  for (const seed of SEEDS) {
    let handled = 0
    const answers = simulateLoop({ ...model(seed, () => 0.5 * CAPACITY), service: () => ++handled % 600 === 0 ? 250 : SERVICE_MS })
    assert.ok(handled > 1800)
    assert.deepEqual(answers.filter(({ served }) => !served), [])
  }
})

test('the work of others in each turn is not taken for that of requests: there is room for all, and all but a few are served', () => {
  for (const [foreign, rate] of [[10, 300], [30, 300], [40, 100], [60, 20], [60, 100], [60, 300], [100, 20]] as const) {
    for (const later of [0, 20]) {
      const answers = simulateLoop({ ...model(1, () => rate), service: () => 1, later: () => later, foreign: () => foreign })
      const refused = answers.filter(({ served }) => !served).length / answers.length
      assert.ok(refused < 0.05, `${foreign} ms of others a turn, ${rate} requests a second that wait ${later} ms: ${refused} refused`)
    }
  }
})

test('nor does it keep requests from their share of the loop when there are too many', () => {
  const { goodput, p99 } = summarize(simulateLoop({ ...model(1, () => 2 * CAPACITY), foreign: () => 30 }), { capacity: CAPACITY, from: FROM, until: UNTIL })
  // A turn may do as much for requests as for others.
  assert.ok(goodput >= 0.5, `goodput ${goodput}`)
  assert.ok(p99 <= 300, `p99 ${p99}`)
})

test('what it takes to refuse is not taken for the work of others: requests have what is left of the loop', () => {
  for (const later of [0, 20]) {
    for (const [factor, shedCost, least] of [[5, 0.1, 0.9], [10, 0.1, 0.8], [5, 0.2, 0.82], [10, 0.2, 0.6]] as const) {
      const { goodput, p99 } = summarize(simulateLoop({ ...model(1, now => now < FROM ? 0.5 * CAPACITY : factor * CAPACITY), shedCost, later: () => later }), { capacity: CAPACITY, from: FROM, until: UNTIL })
      assert.ok(goodput >= least && p99 <= 350, `${factor} times, ${shedCost} ms to refuse, ${later} ms: goodput ${goodput}, p99 ${p99}`)
    }
  }
})

test('work of others that begins and ends in the middle is found out, and forgotten', () => {
  for (const later of [0, 20]) {
    const answers = simulateLoop({ ...model(2, () => 100), service: () => 1, later: () => later, foreign: now => now > 8000 && now < 14_000 ? 60 : 0 })
    const refused = (from: number, until: number): number => answers.filter(({ came, served }) => came >= from && came < until && !served).length
    assert.equal(refused(0, 8000) + refused(15_000, UNTIL), 0)
    assert.ok(refused(8000, 15_000) < 60, `${refused(8000, 15_000)} of 700`)
  }
})

test('clients that leave while they wait cost the others nothing', () => {
  for (const [factor, share, later] of [[2, 0.5, 0], [2, 0.5, 20], [5, 0.5, 20], [5, 0.8, 20]] as const) {
    const random = seeded(7)
    const answers = simulateLoop({ ...model(1, () => factor * CAPACITY), later: () => later, patience: () => random() < share ? 40 : Infinity })
    const { goodput } = summarize(answers, { capacity: CAPACITY, from: FROM, until: UNTIL })
    assert.ok(goodput >= 0.95, `${factor} times, ${share} leave, ${later} ms: goodput ${goodput}`)
  }
})

test('a burst of ten times the capacity leaves no trace a second after it', () => {
  for (const seed of SEEDS) {
    const burst = (now: number): number => now >= 5000 && now < 7000 ? 10 * CAPACITY : 0.5 * CAPACITY
    const after = simulateLoop(model(seed, burst)).filter(({ came }) => came >= 8000)
    assert.ok(after.filter(({ served }) => !served).length / after.length < 0.01)
    assert.ok(after.every(({ came, answered }) => answered - came < 200))
  }
})

test('handlers of other lengths are no trouble: at twice the capacity at least 0.9 is done', () => {
  for (const service of [0.5, 1, 20, 50]) {
    const { goodput, p99 } = summarize(simulateLoop({ ...model(9, () => 2000 / service), service: () => service, shedCost: 0.01 }), { capacity: 1000 / service, from: FROM, until: UNTIL })
    assert.ok(goodput >= 0.9, `${service} ms: ${goodput}`)
    assert.ok(p99 <= 350, `${service} ms: p99 ${p99}`)
  }
})

test('nor are handlers of very different lengths', () => {
  const random = seeded(4)
  const { goodput, p99 } = summarize(simulateLoop({ ...model(9, () => 2 * CAPACITY), service: () => random() < 0.02 ? 101 : 3 }), { capacity: 1000 / (0.02 * 101 + 0.98 * 3), from: FROM, until: UNTIL })
  assert.ok(goodput >= 0.9, `goodput ${goodput}`)
  assert.ok(p99 <= 500, `p99 ${p99}`)
})

test('after a long sleep nothing of an overload is left', () => {
  const loop = createFakeLoop()
  const shedder: Shedder<string> = createShedder<string>({ maxQueueDelay: 100, clock: loop, waiters: { isGone: () => false, serve: () => serve(), refuse () {} } })
  const serve = (): void => {
    loop.work(5)
    shedder.finished(NaN)
  }
  const come = (): void => {
    const admission = shedder.admit('one', () => 'normal')
    if (admission === 'wait') shedder.wait('one')
    else if (admission === 'serve') serve()
  }
  for (let turn = 0; turn < 100; turn++) {
    for (let request = 0; request < 10; request++) come()
    loop.endTurn()
  }
  assert.ok(shedder.stats().share > 0.1 && shedder.stats().delay > 0, JSON.stringify(shedder.stats()))
  while (shedder.stats().waiting > 0) loop.endTurn()
  loop.endTurn()
  loop.sleepUntil(loop.now() + 5000)
  assert.deepEqual([shedder.stats().share, shedder.stats().delay], [0, 0])
  come()
  loop.endTurn()
  assert.equal(shedder.stats().share, 0)
})

/** Of handlers whose work comes after a wait of so many ms, as for a database; the waits of some vary as widely as can be. */
const WAITS: Record<string, (random: () => number) => number> = {
  '1 ms': () => 1,
  '20 ms': () => 20,
  '100 ms': () => 100,
  '20 ms on average': random => -20 * Math.log(1 - random())
}
for (const [wait, draw] of Object.entries(WAITS)) {
  test(`work that comes ${wait} later is shed for in time, too`, () => {
    for (const seed of SEEDS) {
      const random = seeded(seed + 100)
      for (const [factor, least] of [[1.2, 0.96], [2, 0.98], [5, 0.95], [10, 0.9]] as const) {
        const { goodput, p99, success } = summarize(simulateLoop({ ...model(seed, () => factor * CAPACITY), later: () => draw(random) }), { capacity: CAPACITY, from: FROM, until: UNTIL })
        assert.ok(goodput >= least, `${factor} times: goodput ${goodput}`)
        assert.ok(p99 <= 350, `${factor} times: p99 ${p99}`)
        if (factor === 2) assert.ok(success.critical >= 0.99, `critical ${success.critical}`)
      }
    }
  })
}

test('and nobody is refused at 0.7 of the capacity for work that comes later', () => {
  for (const seed of SEEDS) {
    const answers = simulateLoop({ ...model(seed, () => 0.7 * CAPACITY), later: () => 20 })
    assert.ok(answers.filter(({ served }) => !served).length < answers.length / 1000)
  }
})

function overload (seed: number, factor: number): Summary {
  return summarize(simulateLoop(model(seed, () => factor * CAPACITY)), { capacity: CAPACITY, from: FROM, until: UNTIL })
}

function model (seed: number, rate: (now: number) => number): LoopModel {
  return { random: seeded(seed), rate, until: UNTIL, service: () => SERVICE_MS }
}
