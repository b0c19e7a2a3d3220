// The dispatcher of connections among workers that the test plays: to whom a connection goes that a worker gives away.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Balancer } from '../../src/balancer/balancer.ts'
import { createConnectionDispatcher } from '../../src/listener/connection.ts'
import type { Dispatcher } from '../../src/listener/dispatcher.ts'
import type { Receiver } from '../../src/listener/listener.ts'
import type { ConnectionHandle } from '../../src/node-internals.ts'
import { accepted } from '../handoff/accepted.ts'

const FACTS = { plainHttp1: true, movable: true, keepAliveTimeout: 5_000, headersTimeout: 60_000 }
const QUEUE = { limit: 10, timeout: 1_000, maxDelay: 100 }
const WITHIN = 60_000

interface Played extends Receiver { readonly got: number, readonly kept: number, fits: boolean }

/** Receives whatever it is sent; `kept` are those that it offered and goes on serving. */
function play (key: number): Played {
  const played = { key, slot: key, generation: 1, pid: key, got: 0, kept: 0, fits: true }
  return Object.assign(played, {
    channel: {
      post: async (message: { held?: boolean }) => {
        if (message.held === false) played.kept++
        return true
      },
      deliver (_message: object, _handle: unknown, done: (received: boolean) => void) {
        played.got++
        done(true)
      }
    },
    accepts: () => true,
    fit: () => played.fits,
    load: () => ({ inFlight: 0, utilization: 0 }),
    server: () => FACTS
  }) as unknown as Played
}

function connection (): ConnectionHandle {
  return { readStart: () => 0, readStop: () => 0, close: () => {} }
}

/** The balancer has the lowest slot of those it is shown. */
const lowest: Balancer = { name: 'lowest', pick: workers => workers.toSorted((a, b) => a.id - b.id)[0] }

interface World { readonly dispatcher: Dispatcher, readonly giver: Played, readonly low: Played, readonly taker: Played, readonly give: (count: number) => Promise<void> }

function world ({ maxConnections = Infinity } = {}): World {
  const [low, taker, giver] = [play(1), play(2), play(3)]
  const dispatcher = createConnectionDispatcher({ balancer: lowest, maxConnections, queue: QUEUE }, FACTS, { workers: () => [low, taker, giver], warn: () => {}, inherited: [] })
  return {
    dispatcher,
    low,
    taker,
    giver,
    async give (count) {
      for (let id = 1; id <= count; id++) dispatcher.receive(giver, { type: 'handoff-give', id }, connection())
      await new Promise(setImmediate)
    }
  }
}

void test('a rebalanced connection goes to the worker it is meant for, any other to the one of the balancer', async () => {
  const { dispatcher, giver, low, taker, give } = world()
  dispatcher.prefer(giver, [{ taker, count: 2 }], WITHIN)
  await give(3)
  assert.deepEqual([taker.got, low.got], [2, 1])
})

void test('an order to rebalance that is over decides nothing: the balancer does', async () => {
  const { dispatcher, giver, low, taker, give } = world()
  dispatcher.prefer(giver, [{ taker, count: 2 }], 0)
  await give(2)
  assert.deepEqual([taker.got, low.got], [0, 2])
})

void test('a worker that is not fit gets no rebalanced connection', async () => {
  const { dispatcher, giver, low, taker, give } = world()
  dispatcher.prefer(giver, [{ taker, count: 2 }], WITHIN)
  taker.fits = false
  await give(2)
  assert.deepEqual([taker.got, low.got], [0, 2])
})

void test('no worker gets more than maxConnections by rebalancing, also where several come at once', async () => {
  const { dispatcher, giver, low, taker, give } = world({ maxConnections: 2 })
  dispatcher.prefer(giver, [{ taker, count: 9 }], WITHIN)
  await give(3)
  assert.deepEqual([taker.got, low.got, giver.kept], [2, 1, 0])
  await give(3)
  assert.deepEqual([taker.got, low.got, giver.kept], [2, 2, 2])
})

for (const movable of [true, false]) {
  void test(`in the queue a connection that ${movable ? 'can move is watched' : 'cannot move once it was read from is not read'}, and when it is refused gets an answer`, async t => {
    const { client, handle } = await accepted(t)
    client.socket.removeAllListeners('data')
    const answer = once(client.socket, 'data')
    const dispatcher = createConnectionDispatcher({ balancer: lowest, maxConnections: 1, queue: QUEUE }, { ...FACTS, movable }, { workers: () => [], warn: () => {}, inherited: [] })
    dispatcher.accept(handle)
    await new Promise(setImmediate)
    assert.equal(handle.reading === true, movable)
    dispatcher.close()
    assert.match(String((await answer)[0]), /^HTTP\/1.1 503 /)
  })
}
