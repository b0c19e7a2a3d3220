// The rebalancing policy on a simulated cluster: it converges, rests when balanced, and never plays ping-pong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rebalance } from '../../src/primary/rebalance-policy.ts'
import type { Heavy, Move, WorkerPeriod } from '../../src/primary/rebalance-policy.ts'
import { chooseConnections } from '../../src/worker/choose-connections.ts'

interface Connection { readonly rate: number, worker: number }

// Each request keeps a loop busy for 2 ms.
const COST = 0.002

function periods (connections: readonly Connection[], workers: number): WorkerPeriod[] {
  return Array.from({ length: workers }, (_, index) => {
    const own = connections.filter(({ worker }) => worker === index + 1)
    const requestRate = own.reduce((sum, { rate }) => sum + rate, 0)
    return { id: index + 1, utilization: Math.min(1, requestRate * COST), requestRate, idleConnections: own.length }
  })
}

function imbalance (connections: readonly Connection[], workers: number): number {
  const rates = periods(connections, workers).map(({ requestRate }) => requestRate)
  return Math.max(...rates) / (rates.reduce((sum, rate) => sum + rate, 0) / workers)
}

/** Lets the policy act for some periods; returns every move it ordered. */
function simulate (connections: Connection[], workers: number, count: number): Move[] {
  let heavy: Heavy = new Map()
  const ordered: Move[] = []
  for (let period = 0; period < count; period++) {
    const result = rebalance(periods(connections, workers), heavy)
    heavy = result.heavy
    for (const { from, to, rate, max } of result.moves) {
      for (const connection of chooseConnections(connections.filter(({ worker }) => worker === from), rate, max)) connection.worker = to
    }
    ordered.push(...result.moves)
  }
  return ordered
}

test('64 connections of uneven rates on one of four workers come within 1.25 of the mean in 8 periods', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 1, max: 20, noNaN: true }), { minLength: 64, maxLength: 64 }), rates => {
    const connections = rates.map(rate => ({ rate, worker: 1 }))
    simulate(connections, 4, 8)
    assert.ok(imbalance(connections, 4) <= 1.25, `${imbalance(connections, 4)}`)
  }), { numRuns: 300 })
})

test('comes to rest, whatever the connections and wherever they began', () => {
  const arbitrary = fc.record({
    workers: fc.integer({ min: 2, max: 8 }),
    rates: fc.array(fc.double({ min: 0.1, max: 40, noNaN: true }), { minLength: 1, maxLength: 120 }),
    places: fc.infiniteStream(fc.nat(7))
  })
  fc.assert(fc.property(arbitrary, ({ workers, rates, places }) => {
    const connections = rates.map(rate => ({ rate, worker: ((places.next().value as number) % workers) + 1 }))
    simulate(connections, workers, 200)
    const settled = connections.map(({ worker }) => worker)
    simulate(connections, workers, 50)
    assert.deepEqual(connections.map(({ worker }) => worker), settled, 'a connection still moves after 100 s')
  }), { numRuns: 200 })
})

test('never makes the giver lighter than the taker was, nor the taker heavier than the giver was', () => {
  fc.assert(fc.property(fc.array(fc.record({ rate: fc.double({ min: 0.1, max: 40, noNaN: true }), worker: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 80 }), given => {
    const connections = given.map(connection => ({ ...connection }))
    let heavy: Heavy = new Map()
    for (let period = 0; period < 20; period++) {
      const before = periods(connections, 4)
      const result = rebalance(before, heavy)
      heavy = result.heavy
      for (const { from, to, rate } of result.moves) {
        const [giver, taker] = [before[from - 1]?.requestRate ?? 0, before[to - 1]?.requestRate ?? 0]
        assert.ok(taker + rate * 1.1 <= giver - rate * 1.1 + 1e-6 || taker + rate * 1.1 <= giver, `${taker} + ${rate} against ${giver}`)
      }
      for (const { from, to, rate, max } of result.moves) {
        for (const connection of chooseConnections(connections.filter(({ worker }) => worker === from), rate, max)) connection.worker = to
      }
    }
  }), { numRuns: 300 })
})

const busy = { utilization: 0.5, requestRate: 100, idleConnections: 10 }

test('does nothing when workers are balanced, or nearly', () => {
  const workers = [1, 2, 3].map(id => ({ ...busy, id, utilization: 0.5 + id * 0.02 }))
  let heavy: Heavy = new Map()
  for (let period = 0; period < 10; period++) {
    const result = rebalance(workers, heavy)
    heavy = result.heavy
    assert.deepEqual(result.moves, [])
  }
})

test('waits for a second period, and begins anew after a move or a calm one', () => {
  const uneven = [{ ...busy, id: 1, utilization: 0.9 }, { ...busy, id: 2, utilization: 0.2 }]
  const even = [{ ...busy, id: 1 }, { ...busy, id: 2 }]
  const moved: number[] = []
  let heavy: Heavy = new Map()
  for (const period of [uneven, even, uneven, uneven, uneven, uneven]) {
    const result = rebalance(period, heavy)
    heavy = result.heavy
    moved.push(result.moves.length)
  }
  assert.deepEqual(moved, [0, 0, 0, 1, 0, 1])
})

test('where utilization says no more, because workers are full, the rate of requests does', () => {
  const twice = (workers: WorkerPeriod[]): Array<{ from: number, to: number }> => {
    const { heavy } = rebalance(workers, new Map())
    return rebalance(workers, heavy).moves.map(({ from, to }) => ({ from, to }))
  }
  const at = (id: number, utilization: number, requestRate: number): WorkerPeriod => ({ ...busy, id, utilization, requestRate })
  assert.deepEqual(twice([at(1, 1, 400), at(2, 1, 100), at(3, 1, 200)]), [{ from: 1, to: 2 }, { from: 1, to: 3 }])
  assert.deepEqual(twice([at(1, 1, 400), at(2, 1, 400), at(3, 0.7, 100)]), [{ from: 1, to: 3 }, { from: 2, to: 3 }])
  // The one that is full has heavy requests, the other many light ones.
  assert.deepEqual(twice([at(1, 1, 50), at(2, 0.9, 1000)]), [])
})

test('a small excess counts once it has lasted, and a worker whose load is even by and by does nothing', () => {
  const of = (utilization: number): WorkerPeriod[] => [{ ...busy, id: 1, utilization }, { ...busy, id: 2, utilization: 0.5 }, { ...busy, id: 3, utilization: 0.5 }]
  const firstMove = (utilizations: readonly number[]): number => {
    let heavy: Heavy = new Map()
    return utilizations.findIndex(utilization => {
      const result = rebalance(of(utilization), heavy)
      heavy = result.heavy
      return result.moves.length > 0
    })
  }
  assert.deepEqual([0.9, 0.61, 0.57].map(utilization => firstMove(Array.from({ length: 60 }, () => utilization))), [1, 3, 7])
  assert.equal(firstMove(Array.from({ length: 60 }, (_, period) => period % 2 === 0 ? 0.65 : 0.4)), -1)
})

test('does nothing where all are idle, all are full, one is alone, or nothing is idle to be given', () => {
  const cases: WorkerPeriod[][] = [
    [{ ...busy, id: 1, utilization: 0.02, requestRate: 10 }, { ...busy, id: 2, utilization: 0, requestRate: 0 }],
    [{ ...busy, id: 1, utilization: 1 }, { ...busy, id: 2, utilization: 0.96 }],
    [{ ...busy, id: 1, utilization: 1 }],
    [{ ...busy, id: 1, utilization: 0.9, idleConnections: 0 }, { ...busy, id: 2, utilization: 0.1 }],
    []
  ]
  for (const workers of cases) {
    const first = rebalance(workers, new Map())
    const second = rebalance(workers, first.heavy)
    assert.deepEqual([...first.moves, ...second.moves], [])
  }
})

test('chosen connections carry no more than asked for, the hottest that fit first', () => {
  fc.assert(fc.property(fc.array(fc.record({ rate: fc.double({ min: 0, max: 50, noNaN: true }) }), { maxLength: 60 }), fc.double({ min: 0, max: 200, noNaN: true }), fc.nat(20), (connections, rate, max) => {
    const chosen = chooseConnections(connections, rate, max)
    assert.ok(chosen.length <= max)
    assert.ok(chosen.reduce((sum, connection) => sum + connection.rate, 0) <= rate * 1.1 + 1e-9)
    assert.equal(new Set(chosen).size, chosen.length)
    assert.ok(chosen.every(connection => connection.rate > 0))
  }))
  assert.deepEqual(chooseConnections([{ rate: 9 }, { rate: 5 }, { rate: 1 }], 6, 5), [{ rate: 5 }, { rate: 1 }])
})
