// All strategies against the conformance suite, and what is special about each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { guardBalancer } from '../../src/balancer/guarded-balancer.ts'
import { createIpHash } from '../../src/balancer/ip-hash.ts'
import { createLeastConnections } from '../../src/balancer/least-connections.ts'
import { createPowerOfTwoChoices } from '../../src/balancer/power-of-two-choices.ts'
import { createRandom } from '../../src/balancer/random.ts'
import { BALANCER_NAMES, isBalancer, resolveBalancer } from '../../src/balancer/resolve-balancer.ts'
import type { BalancerName } from '../../src/balancer/resolve-balancer.ts'
import { createRoundRobin } from '../../src/balancer/round-robin.ts'
import { seeded } from '../helpers/random.ts'
import { addressOf, conform, workersWith } from './conformance.ts'

const ignore = (): void => {}

conform({ name: 'round-robin', create: createRoundRobin })
conform({ name: 'least-connections', create: createLeastConnections })
conform({ name: 'power-of-two-choices', create: createPowerOfTwoChoices })
conform({ name: 'random', create: createRandom })
conform({ name: 'ip-hash', create: createIpHash })
conform({ name: 'a user\'s own', create: random => guardBalancer({ name: 'own', pick: workers => workers[Math.floor(random() * workers.length)] ?? -1 }, ignore) })
conform({ name: 'a user\'s own that always fails', create: () => guardBalancer({ name: 'bad', pick: () => { throw new Error('bad') } }, ignore) })

test('round-robin keeps everybody\'s turn when a worker leaves and comes back', () => {
  const balancer = createRoundRobin()
  const all = workersWith([0, 0, 0])
  const picks = [all, all.filter(({ id }) => id !== 2), all, all].map(workers => balancer.pick(workers, {})?.id)
  assert.deepEqual(picks, [1, 3, 1, 2])
})

test('least-connections picks one of those with the fewest, and each of them in turn', () => {
  fc.assert(fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }), connections => {
    const balancer = createLeastConnections()
    const workers = workersWith(connections)
    const fewest = Math.min(...connections)
    const tied = workers.filter(worker => worker.connections === fewest)
    const picked = tied.map(() => balancer.pick(workers, {})?.id)
    assert.deepEqual(picked.map(Number).toSorted((a, b) => a - b), tied.map(({ id }) => id))
  }))
})

test('power-of-two-choices never picks the one with the most, where no other has as many', () => {
  const balancer = createPowerOfTwoChoices(seeded(3))
  const workers = workersWith([1, 7, 2, 3])
  for (let count = 0; count < 1_000; count++) assert.notEqual(balancer.pick(workers, {})?.id, 2)
})

test('ip-hash gives an address the same worker again and again, and IPv4 in IPv6 counts as IPv4', () => {
  const balancer = createIpHash()
  const random = seeded(4)
  for (let count = 0; count < 100; count++) {
    const address = addressOf(random)
    const [plain, mapped] = [address, `::ffff:${address}`].map(remoteAddress => balancer.pick(workersWith([0, 0, 0]), { remoteAddress })?.id)
    assert.equal(plain, mapped)
  }
})

test('ip-hash moves only the clients of a worker that is lost, and they come back with it', () => {
  const balancer = createIpHash()
  const random = seeded(5)
  const all = workersWith([0, 0, 0, 0])
  for (let count = 0; count < 2_000; count++) {
    const connection = { remoteAddress: addressOf(random) }
    const before = balancer.pick(all, connection)?.id
    const without = balancer.pick(all.filter(({ id }) => id !== 3), connection)?.id
    if (before === 3) assert.notEqual(without, 3)
    else assert.equal(without, before)
    assert.equal(balancer.pick(all, connection)?.id, before)
  }
})

test('a user\'s balancer may name a worker by its id', () => {
  const balancer = guardBalancer({ name: 'own', pick: () => 2 }, error => assert.fail(error))
  assert.equal(balancer.pick(workersWith([0, 0]), {})?.id, 2)
})

test('of two workers in a slot, while one replaces the other, each can be picked, and who means the slot alone means the newer one', () => {
  const [first, old] = workersWith([3, 2])
  assert.ok(first !== undefined && old !== undefined)
  const fresh = { ...old, generation: 2, connections: 0 }
  const workers = [first, old, fresh]
  for (const chosen of workers) assert.equal(guardBalancer({ name: 'own', pick: () => chosen }, error => assert.fail(error)).pick(workers, {}), chosen)
  assert.equal(guardBalancer({ name: 'own', pick: () => 2 }, error => assert.fail(error)).pick(workers, {}), fresh)
  assert.equal(createLeastConnections().pick(workers, {}), fresh)
  const balancer = createRoundRobin()
  assert.deepEqual([1, 2, 3].map(() => balancer.pick(workers, {})), [first, fresh, first])
  const random = seeded(6)
  const hashed = new Set(Array.from({ length: 100 }, () => createIpHash().pick(workers, { remoteAddress: addressOf(random) })))
  assert.deepEqual(hashed, new Set([first, fresh]))
})

const NONSENSE: Readonly<Record<string, () => never | number>> = {
  nothing: () => undefined as never,
  'a promise': () => Promise.resolve() as never,
  'an unknown id': () => 99,
  'a worker of its own': () => ({ id: 99 }) as never,
  NaN: () => Number.NaN
}

for (const [what, pick] of Object.entries(NONSENSE)) {
  test(`a balancer that returns ${what} is told of once, until it has worked in between`, () => {
    const faults: Error[] = []
    let broken = true
    const balancer = guardBalancer({ name: 'own', pick: workers => broken ? pick() : workers[0]?.id ?? 0 }, error => faults.push(error))
    const workers = workersWith([0, 0])
    assert.deepEqual([1, 2, 3, 4].map(() => balancer.pick(workers, {})?.id), [1, 2, 1, 2])
    assert.equal(faults.length, 1)
    assert.match(faults[0]?.message ?? '', /"own"/)
    broken = false
    assert.equal(balancer.pick(workers, {})?.id, 1)
    broken = true
    balancer.pick(workers, {})
    assert.equal(faults.length, 2)
  })
}

test('an option is a known name, a function or { name, pick }', () => {
  for (const name of BALANCER_NAMES) assert.equal(resolveBalancer(name as BalancerName).name, name)
  assert.equal(resolveBalancer(function mine () { return 1 }).name, 'mine')
  assert.equal(resolveBalancer({ name: 'other', pick: () => 1 }).name, 'other')
  for (const wrong of ['roundrobin', {}, { pick: () => 1 }, { name: 'x' }, null, 3]) assert.equal(isBalancer(wrong), false)
})
