import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADAPTIVE_LIMIT_DEFAULTS, OPEN, createAdaptiveLimit, nextFlightState } from '../../src/shedding/adaptive-limit.ts'
import { createFixedLimit } from '../../src/shedding/in-flight-limit.ts'
import type { InFlightLimit } from '../../src/shedding/in-flight-limit.ts'
import { seeded } from '../helpers/random.ts'
import { createAimd, createGradient2, createVegas, windowed } from './simulation/concurrency-limits.ts'
import { refusedShare, simulateDownstream, usefulRate } from './simulation/downstream.ts'
import type { Flight } from './simulation/downstream.ts'

interface Trace {
  readonly slots: number
  readonly rate: number
  /** Of one request, in ms, while the downstream is well, and while it is slow. */
  readonly service: (random: () => number, slow: boolean) => number
}

const [SLOW_FROM, SLOW_UNTIL, END] = [10_000, 25_000, 35_000]
const SEEDS = [1, 2, 3]
const spread = (random: () => number, mean: number): number => mean * (0.5 - 0.5 * Math.log(1 - random()))

const FEW_SLOTS: Trace = { slots: 10, rate: 500, service: (random, slow) => spread(random, slow ? 100 : 10) }
const MANY_SLOTS: Trace = { slots: 100, rate: 3000, service: (random, slow) => spread(random, slow ? 100 : 10) }
const FAST: Trace = { slots: 50, rate: 5000, service: (random, slow) => spread(random, slow ? 20 : 2) }
/** Requests pile up slowly: a little more comes than can be done. */
const HALF_TOO_MANY: Trace = { slots: 20, rate: 300, service: (_random, slow) => slow ? 100 : 10 }
const A_TENTH_TOO_MANY: Trace = { slots: 20, rate: 220, service: (random, slow) => spread(random, slow ? 100 : 10) }
const TWO_ROUTES: Trace = { slots: Infinity, rate: 200, service: random => random() < 0.5 ? 1 : 450 + 100 * random() }
const MIX_SHIFTS: Trace = { slots: Infinity, rate: 300, service: (random, slow) => random() < (slow ? 0.5 : 0.99) ? 1 : 400 + 90 * random() }
const LONG_TAIL: Trace = { slots: Infinity, rate: 300, service: random => 20 * Math.exp(1.5 * normal(random)) }

for (const [name, trace, capacity] of [['a downstream of 10 slots', FEW_SLOTS, 100], ['a downstream of 100 slots', MANY_SLOTS, 1000], ['a downstream of 2 ms', FAST, 2500], ['a downstream with half too many requests', HALF_TOO_MANY, 200], ['a downstream with a tenth too many', A_TENTH_TOO_MANY, 200]] as const) {
  test(`${name} that slows tenfold still does 0.9 of what it can, in time, once the first five seconds have passed`, () => {
    for (const flights of runs(trace, adaptive)) {
      assert.ok(usefulRate(flights, SLOW_FROM + 5000, SLOW_UNTIL) >= 0.9 * capacity)
      assert.ok(usefulRate(flights, SLOW_FROM, SLOW_UNTIL) >= 0.8 * capacity)
    }
  })

  test(`${name} that is fast again serves everybody within five seconds`, () => {
    for (const flights of runs(trace, adaptive)) {
      assert.ok(refusedShare(flights, SLOW_UNTIL + 5000, END) < 0.01)
      assert.ok(usefulRate(flights, SLOW_UNTIL + 5000, END) >= 0.95 * trace.rate)
    }
  })
}

for (const [name, trace] of [['routes of 1 and 500 ms', TWO_ROUTES], ['latencies with a long tail', LONG_TAIL]] as const) {
  test(`${name} are not taken for a queue: nothing is refused`, () => {
    for (const flights of runs(trace, adaptive)) assert.equal(refusedShare(flights, 0, END), 0)
  })
}

test('when a slow route becomes popular, a few are refused at most until that is known', () => {
  for (const flights of runs(MIX_SHIFTS, adaptive)) assert.ok(refusedShare(flights, SLOW_FROM, SLOW_UNTIL) < 0.05)
})

test('learns the limit even where it has never seen the downstream without a queue', () => {
  const always: Trace = { slots: 10, rate: 3000, service: random => spread(random, 10) }
  for (const flights of runs(always, adaptive)) assert.ok(usefulRate(flights, 10_000, END) >= 0.95 * 1000)
})

test('each of the others fails where this one does not', () => {
  const worst = (create: () => InFlightLimit): number => Math.min(
    ...runs(FEW_SLOTS, create).map(flights => usefulRate(flights, SLOW_FROM + 5000, SLOW_UNTIL) / 100),
    ...runs(MANY_SLOTS, create).map(flights => usefulRate(flights, SLOW_FROM + 5000, SLOW_UNTIL) / 1000),
    ...runs(TWO_ROUTES, create).map(flights => 1 - refusedShare(flights, 0, END))
  )
  assert.ok(worst(adaptive) >= 0.9)
  for (const create of [createGradient2, () => windowed(createGradient2()), createVegas, createAimd, () => createFixedLimit(50), () => createFixedLimit(Infinity)]) assert.ok(worst(create) < 0.7)
})

test('the limit stays between floor and ceiling, whatever happens', () => {
  const amount = fc.double({ min: 0.001, max: 1e5, noNaN: true })
  const period = fc.record({ latency: amount, inFlight: amount, growth: fc.integer({ min: -1000, max: 1000 }), refused: fc.nat(1000) })
  const options = { floor: 7, ceiling: 90, tolerance: 100 }
  fc.assert(fc.property(fc.array(period, { maxLength: 80 }), periods => {
    let state = OPEN
    for (const one of periods) {
      state = nextFlightState(state, one, options)
      if (state.type !== 'open') assert.ok(state.limit >= 7 && state.limit <= 90 && Number.isInteger(state.limit), `${state.limit}`)
    }
  }))
})

function adaptive (): InFlightLimit {
  return createAdaptiveLimit(ADAPTIVE_LIMIT_DEFAULTS)
}

function runs ({ slots, rate, service }: Trace, create: () => InFlightLimit): Flight[][] {
  return SEEDS.map(seed => {
    const random = seeded(seed)
    return simulateDownstream({ random, rate: () => rate, until: END, slots, service: now => service(random, now >= SLOW_FROM && now < SLOW_UNTIL) }, create())
  })
}

/** Box and Muller's way to normal numbers. */
function normal (random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
