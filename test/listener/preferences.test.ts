// For whom connections are meant that a worker was told to give away: how many, for how long, and only who may take them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionHandle } from '../../src/node-internals.ts'
import type { Receiver } from '../../src/listener/listener.ts'
import { createPreferences } from '../../src/listener/preferences.ts'

const WITHIN = 1_000

function worker (key: number, { accepts = true } = {}): Receiver {
  return { key, accepts: () => accepts } as unknown as Receiver
}

const [giver, light, lighter, anybody] = [worker(1), worker(2), worker(3), worker(4)]

function world (mayTake: (taker: Receiver) => boolean = () => true): { prefer: (...takers: Array<[Receiver, number]>) => void, pass: (ms: number) => void, choose: (...refused: Receiver[]) => Receiver } {
  let at = 0
  const preferences = createPreferences(() => at)
  const first = preferences.first(mayTake, () => anybody)
  return {
    prefer: (...takers) => preferences.prefer(giver, takers.map(([taker, count]) => ({ taker, count })), WITHIN),
    pass: ms => { at += ms },
    choose: (...refused) => first(giver, new Set(refused), {} as ConnectionHandle) as Receiver
  }
}

void test('each gets its part, and what is given beyond that goes to anybody', () => {
  const { prefer, choose } = world()
  prefer([light, 1], [lighter, 2])
  assert.deepEqual([1, 2, 3, 4].map(() => choose().key), [3, 2, 3, 4])
})

void test('what is left of an order is over with it: later connections go to anybody', () => {
  const { prefer, choose, pass } = world()
  prefer([light, 9])
  pass(WITHIN - 1)
  assert.equal(choose(), light)
  pass(1)
  assert.equal(choose(), anybody)
})

void test('a new order takes the place of the one before', () => {
  const { prefer, choose, pass } = world()
  prefer([light, 9])
  pass(WITHIN)
  prefer([lighter, 1])
  assert.deepEqual([choose(), choose()], [lighter, anybody])
})

void test('who refused, does not accept or may not take one gets none', () => {
  const { prefer, choose } = world(taker => taker !== lighter)
  const resting = worker(5, { accepts: false })
  prefer([light, 1], [lighter, 1], [resting, 1])
  assert.deepEqual([choose(light), choose(), choose()], [anybody, anybody, anybody])
})
