// The dispatcher of connections among workers that the test plays: to whom a connection goes that a worker gives away.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Balancer } from '../../src/balancer/balancer.ts'
import type { HandoffTake } from '../../src/handoff/messages.ts'
import { createConnectionDispatcher } from '../../src/listener/connection.ts'
import type { Dispatcher } from '../../src/listener/dispatcher.ts'
import type { Receiver } from '../../src/listener/listener.ts'
import type { ConnectionHandle } from '../../src/node-internals.ts'
import { accepted } from '../handoff/accepted.ts'
import { until } from '../helpers/processes.ts'

const FACTS = { plainHttp1: true, movable: true, keepAliveTimeout: 5_000, headersTimeout: 60_000 }
const QUEUE = { limit: 10, timeout: 1_000, maxDelay: 100 }
const WITHIN = 60_000

interface Played extends Receiver {
  readonly got: number
  readonly kept: number
  readonly heads: readonly string[]
  fits: boolean
  accepting: boolean
  /** Undefined: it receives at once; else whoever waits for its receipt. */
  underway: Array<(received: boolean) => void> | undefined
}

/** Receives whatever it is sent; `kept` are those that it offered and goes on serving. */
function play (key: number): Played {
  const heads: string[] = []
  const played = { key, slot: key, generation: 1, pid: key, got: 0, kept: 0, heads, fits: true, accepting: true, underway: undefined as Played['underway'] }
  return Object.assign(played, {
    channel: {
      post: async (message: { held?: boolean }) => {
        if (message.held === false) played.kept++
        return true
      },
      deliver ({ head = '' }: HandoffTake, _handle: unknown, done: (received: boolean) => void) {
        played.got++
        played.heads.push(head)
        if (played.underway === undefined) done(true)
        else played.underway.push(done)
      }
    },
    accepts: () => played.accepting,
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

void test('a connection whose worker dies before it has it is the next in the queue, with what was read from it', async t => {
  const [first, second] = [await accepted(t), await accepted(t)]
  const { dispatcher, workers, die, low } = dying(t)
  dispatcher.accept(first.handle)
  die()
  assert.deepEqual([dispatcher.counts().queued, dispatcher.counts().rejectedTimeout], [1, 0])
  dispatcher.accept(second.handle)
  first.client.write('GET /first')
  second.client.write('GET /second')
  await until(() => bytesRead(first.handle) === 10 && bytesRead(second.handle) === 11, () => 'what the clients sent was not read')
  const next = play(2)
  workers.splice(0, 1, next)
  dispatcher.ready(next)
  assert.deepEqual([next.heads, low.got, dispatcher.counts().queued], [['GET /first', 'GET /second'], 1, 0])
})

void test('it goes to another worker at once where there is one', async t => {
  const { client, handle } = await accepted(t)
  const { dispatcher, workers, die, low } = dying(t)
  const other = play(2)
  workers.push(other)
  dispatcher.accept(handle)
  assert.deepEqual([low.got, other.got], [1, 0])
  die()
  assert.deepEqual([low.got, other.got, dispatcher.counts().queued], [1, 1, 0])
  client.close()
})

void test('and is refused with an answer when nobody takes it in time', async t => {
  const { client, handle } = await accepted(t)
  client.socket.removeAllListeners('data')
  const { dispatcher, die } = dying(t)
  dispatcher.accept(handle)
  const answer = once(client.socket, 'data')
  die()
  assert.match(String((await answer)[0]), /^HTTP\/1.1 503 /)
  assert.equal(dispatcher.counts().rejectedTimeout, 1)
})

void test('and leaves the queue with its client', async t => {
  const { client, handle } = await accepted(t)
  const { dispatcher, die } = dying(t)
  dispatcher.accept(handle)
  die()
  client.close()
  await until(() => dispatcher.counts().queued === 0, () => 'the client did not leave the queue')
  assert.equal(dispatcher.counts().rejectedTimeout, 0)
})

function bytesRead (handle: ConnectionHandle): number | undefined {
  return (handle as ConnectionHandle & { bytesRead?: number }).bytesRead
}

/** One worker that receives nothing, until it dies. */
function dying (t: TestContext): { dispatcher: Dispatcher, workers: Played[], low: Played, die: () => void } {
  const low = play(1)
  low.underway = []
  const workers = [low]
  const dispatcher = createConnectionDispatcher({ balancer: lowest, maxConnections: Infinity, queue: QUEUE }, FACTS, { workers: () => workers, warn: () => {}, inherited: [] })
  t.after(() => dispatcher.close())
  return {
    dispatcher,
    workers,
    low,
    die () {
      low.accepting = false
      for (const done of low.underway?.splice(0) ?? []) done(false)
      dispatcher.gone(low)
    }
  }
}
