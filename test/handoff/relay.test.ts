// The primary's part as a function: workers and handles are stand-ins, and answers come when the test says so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createRelay } from '../../src/handoff/relay.ts'
import type { Member, Relay } from '../../src/handoff/relay.ts'
import type { HandoffToWorker } from '../../src/handoff/messages.ts'
import type { ConnectionHandle } from '../../src/node-internals.ts'

interface FakeWorker extends Member { readonly got: HandoffToWorker[], sends: (sent: boolean) => void }

/** `sends` decides whether its messages leave; until then they are on the way. */
function worker (): FakeWorker {
  const got: HandoffToWorker[] = []
  const sending: Array<(sent: boolean) => void> = []
  let outcome: boolean | undefined
  return {
    got,
    channel: {
      post: message => {
        got.push(message)
        return outcome === undefined ? new Promise(resolve => { sending.push(resolve) }) : Promise.resolve(outcome)
      }
    },
    sends: sent => {
      outcome = sent
      for (const resolve of sending.splice(0)) resolve(sent)
    }
  }
}

function connectionHandle (): ConnectionHandle & { closed: number } {
  const handle = { readStart: () => 0, readStop: () => 0, closed: 0, close: () => { handle.closed++ } }
  return handle
}

interface Setup { relay: Relay, workers: FakeWorker[], add: () => FakeWorker, handle: ReturnType<typeof connectionHandle>, offered: Map<Member, number> }

function setup (t: TestContext, count: number, limits: { limit?: number, waitTimeout?: number } = {}): Setup {
  const workers = Array.from({ length: count }, worker)
  const offered = new Map<Member, number>()
  const relay = createRelay({
    limit: 10,
    waitTimeout: 1000,
    ...limits,
    choose: (from, refused) => workers.find(one => one !== from && !refused.has(one)),
    onOffered: (member, change) => { offered.set(member, (offered.get(member) ?? 0) + change) }
  })
  t.after(() => relay.close())
  const add = (): FakeWorker => {
    const added = worker()
    workers.push(added)
    return added
  }
  return { relay, workers, add, handle: connectionHandle(), offered }
}

const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

function takeId (member: FakeWorker): number {
  const take = member.got.find(message => message.type === 'handoff-take')
  assert.ok(take, 'it was sent a connection')
  return take.id
}

void test('passes a connection on only once the giver was told, and closes its copy only once it was taken', async t => {
  const { relay, workers: [a, b], handle } = setup(t, 2)
  assert.ok(a && b)
  b.sends(true)
  relay.offer(a, { type: 'handoff-give', id: 7 }, handle)
  assert.deepEqual(a.got, [{ type: 'handoff-held', id: 7, held: true }])
  await turn()
  assert.deepEqual(b.got, [])
  a.sends(true)
  await turn()
  const id = takeId(b)
  assert.equal(handle.closed, 0)
  relay.settle(b, { type: 'handoff-took', id, taken: true })
  assert.equal(handle.closed, 1)
  assert.deepEqual(relay.counts(), { held: 0, waiting: 0, passed: 1, refused: 0, retried: 0, closed: 0 })
})

void test('a giver that dies before it was told does not keep its connection from moving', async t => {
  const { relay, workers: [a, b], handle } = setup(t, 2)
  assert.ok(a && b)
  relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
  relay.gone(a)
  takeId(b)
  a.sends(false)
  await turn()
  assert.equal(b.got.length, 1)
})

for (const how of ['ends', 'refuses', 'cannot be reached'] as const) {
  void test(`a receiver that ${how} is followed by another`, async t => {
    const { relay, workers: [a, b, c], handle, offered } = setup(t, 3)
    assert.ok(a && b && c)
    a.sends(true)
    relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
    await turn()
    const id = takeId(b)
    if (how === 'ends') relay.gone(b)
    else if (how === 'refuses') relay.settle(b, { type: 'handoff-took', id, taken: false })
    else b.sends(false)
    await turn()
    assert.equal(takeId(c), id)
    assert.deepEqual([offered.get(b), offered.get(c)], [0, 1])
    // What the first one says now comes too late to count.
    relay.settle(b, { type: 'handoff-took', id, taken: true })
    assert.equal(handle.closed, 0)
    relay.settle(c, { type: 'handoff-took', id, taken: true })
    assert.equal(handle.closed, 1)
  })
}

void test('keeps nothing for which there is no receiver: the giver serves it on', t => {
  const { relay, workers: [a], handle } = setup(t, 1)
  assert.ok(a)
  relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
  assert.deepEqual(a.got, [{ type: 'handoff-held', id: 1, held: false }])
  assert.equal(handle.closed, 1)
})

void test('a message that lost its handle is answered, so that the giver serves on', t => {
  const { relay, workers: [a] } = setup(t, 2)
  assert.ok(a)
  relay.offer(a, { type: 'handoff-give', id: 1 }, undefined)
  assert.deepEqual(a.got, [{ type: 'handoff-held', id: 1, held: false }])
})

void test('holds no more than its limit', t => {
  const { relay, workers: [a], handle } = setup(t, 2, { limit: 1 })
  assert.ok(a)
  relay.offer(a, { type: 'handoff-give', id: 1 }, connectionHandle())
  relay.offer(a, { type: 'handoff-give', id: 2 }, handle)
  assert.deepEqual(a.got.at(-1), { type: 'handoff-held', id: 2, held: false })
  assert.deepEqual([handle.closed, relay.counts().refused], [1, 1])
})

void test('a connection that nobody takes waits for the next worker', async t => {
  const { relay, workers: [a, b], add, handle } = setup(t, 2)
  assert.ok(a && b)
  a.sends(true)
  relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
  await turn()
  relay.gone(b)
  assert.equal(relay.counts().waiting, 1)
  const c = add()
  relay.retry()
  const id = takeId(c)
  relay.settle(c, { type: 'handoff-took', id, taken: true })
  assert.equal(relay.counts().passed, 1)
})

void test('a wait has an end, however often workers come and go', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { relay, workers, handle } = setup(t, 0, { waitTimeout: 500 })
  relay.pass(handle, Buffer.alloc(0))
  t.mock.timers.tick(400)
  relay.retry()
  assert.equal(workers.length, 0)
  t.mock.timers.tick(100)
  assert.deepEqual([handle.closed, relay.counts().held, relay.counts().closed], [1, 0, 1])
})

void test('what was read travels along, and only then', t => {
  const { relay, workers: [a, b] } = setup(t, 2)
  assert.ok(a && b)
  relay.pass(connectionHandle(), Buffer.from('GET /'), { choose: () => a })
  relay.pass(connectionHandle(), Buffer.alloc(0), { choose: () => b, fresh: true })
  assert.deepEqual(a.got.map(message => ({ ...message, id: 0 })), [{ type: 'handoff-take', id: 0, head: Buffer.from('GET /').toString('base64') }])
  assert.deepEqual(b.got.map(message => ({ ...message, id: 0 })), [{ type: 'handoff-take', id: 0, fresh: true }])
})

void test('closing closes everything held', t => {
  const { relay, handle } = setup(t, 1)
  relay.pass(handle, Buffer.alloc(0))
  relay.close()
  assert.deepEqual([handle.closed, relay.counts().held], [1, 0])
})
