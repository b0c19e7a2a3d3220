// What every balancer must do, whatever its strategy: one suite for all of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balancer, BalancerWorker } from '../../src/balancer/balancer.ts'
import { seeded } from '../helpers/random.ts'

const PICKS = 10_000

export interface Subject {
  readonly name: string
  readonly create: (random: () => number) => Balancer
}

/** Frozen, so that a strategy that writes to what it is shown fails. */
export function workersWith (connections: readonly number[], draining: readonly number[] = []): BalancerWorker[] {
  return connections.map((count, index) => Object.freeze({
    id: index + 1, generation: 1, connections: count, inFlight: 0, utilization: 0, draining: draining.includes(index + 1)
  }))
}

export function addressOf (random: () => number): string {
  return `10.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`
}

export function conform ({ name, create }: Subject): void {
  const begin = (seed = 1): { balancer: Balancer, random: () => number } => {
    const random = seeded(seed)
    return { balancer: create(random), random }
  }

  test(`${name}: never a draining worker`, () => {
    const { balancer, random } = begin()
    const workers = Object.freeze(workersWith([5, 0, 5, 0], [2, 4]))
    for (let count = 0; count < PICKS; count++) {
      assert.ok([1, 3].includes(balancer.pick(workers, { remoteAddress: addressOf(random) })?.id ?? 0))
    }
  })

  test(`${name}: nobody where there is no worker, or only draining ones`, () => {
    const { balancer } = begin()
    assert.equal(balancer.pick([], {}), undefined)
    assert.equal(balancer.pick(workersWith([0, 0], [1, 2]), {}), undefined)
  })

  test(`${name}: always the only worker there is`, () => {
    const { balancer, random } = begin()
    const workers = workersWith([9])
    for (let count = 0; count < 100; count++) assert.equal(balancer.pick(workers, { remoteAddress: addressOf(random) }), workers[0])
  })

  test(`${name}: works on after all workers were gone and came back`, () => {
    const { balancer, random } = begin()
    const all = workersWith([0, 0, 0])
    for (const workers of [all, [], all.slice(1), [], all]) {
      const picked = balancer.pick(workers, { remoteAddress: addressOf(random) })
      assert.equal(picked === undefined, workers.length === 0)
      if (picked !== undefined) assert.ok(workers.includes(picked))
    }
  })

  test(`${name}: serves clients without an address`, () => {
    const { balancer } = begin()
    assert.notEqual(balancer.pick(workersWith([0, 0]), {}), undefined)
  })

  test(`${name}: is fair over ${PICKS} picks`, () => {
    const { balancer, random } = begin(42)
    const counts = [0, 0, 0, 0, 0]
    for (let count = 0; count < PICKS; count++) {
      const picked = balancer.pick(workersWith(counts), { remoteAddress: addressOf(random) })
      const index = (picked?.id ?? 0) - 1
      counts[index] = (counts[index] ?? 0) + 1
    }
    // Pure chance has a standard deviation of sqrt(10,000 x 0.2 x 0.8) = 40 a worker; five of them are 10 % of the mean of 2,000.
    for (const count of counts) assert.ok(Math.abs(count - 2_000) <= 200, `picks: ${counts.join(', ')}`)
  })
}
