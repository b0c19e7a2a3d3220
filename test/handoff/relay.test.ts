// The primary's part as a function: workers and handles are stand-ins, and answers come when the test says so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createRelay } from '../../src/handoff/relay.ts'
import type { Member, Relay } from '../../src/handoff/relay.ts'
import type { HandoffToWorker } from '../../src/handoff/messages.ts'
import type { ConnectionHandle } from '../../src/node-internals.ts'

interface FakeWorker extends Member {
  readonly got: HandoffToWorker[]
  sends: (sent: boolean) => void
  /** It has received what it was sent last, or that was lost. */
  receives: (received: boolean) => void
}

/** `sends` decides whether its messages leave; until then they are on the way. */
function worker (): FakeWorker {
  const got: HandoffToWorker[] = []
  const sending: Array<(sent: boolean) => void> = []
  let outcome: boolean | undefined
  let receives: (received: boolean) => void = () => assert.fail('it was sent no connection')
  return {
    got,
    receives: received => receives(received),
    channel: {
      deliver: (message, _handle, done) => {
        got.push(message)
        receives = done
      },
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

function takes (member: FakeWorker): number {
  return member.got.filter(message => message.type === 'handoff-take').length
}

void test('passes a connection on only once the giver was told, and closes its copy only once it was received', async t => {
  const { relay, workers: [a, b], handle } = setup(t, 2)
  assert.ok(a && b)
  relay.offer(a, { type: 'handoff-give', id: 7 }, handle)
  assert.deepEqual(a.got, [{ type: 'handoff-held', id: 7, held: true }])
  await turn()
  assert.deepEqual(b.got, [])
  a.sends(true)
  await turn()
  assert.deepEqual([takes(b), handle.closed], [1, 0])
  b.receives(true)
  assert.equal(handle.closed, 1)
  assert.deepEqual(relay.counts(), { held: 0, waiting: 0, passed: 1, refused: 0, retried: 0, closed: 0 })
})

void test('a worker keeps a connection that would be long on its way, unless it drains', t => {
  const { relay, workers: [a, b], handle } = setup(t, 2, { limit: 100 })
  assert.ok(a && b)
  let accepts = true
  const giver = Object.assign(a, { accepts: () => accepts })
  relay.offer(giver, { type: 'handoff-give', id: 1 }, handle)
  for (let sent = 0; sent < 30; sent++) relay.pass(connectionHandle(), Buffer.alloc(0), { receiver: b })
  assert.ok(relay.delay(b) > 100)
  relay.offer(giver, { type: 'handoff-give', id: 2 }, connectionHandle())
  accepts = false
  relay.offer(giver, { type: 'handoff-give', id: 3 }, connectionHandle())
  assert.deepEqual(a.got, [true, false, true].map((held, index) => ({ type: 'handoff-held', id: index + 1, held })))
})

void test('what a worker has let go of is passed on, however far behind the next receiver is', async t => {
  const { relay, workers: [a, b, c], handle } = setup(t, 3, { limit: 100 })
  assert.ok(a && b && c)
  const giver = Object.assign(a, { accepts: () => true })
  a.sends(true)
  relay.offer(giver, { type: 'handoff-give', id: 1 }, handle)
  await turn()
  for (let sent = 0; sent < 30; sent++) relay.pass(connectionHandle(), Buffer.alloc(0), { receiver: c })
  relay.gone(b)
  assert.deepEqual([takes(c), relay.counts().waiting], [31, 0])
})

void test('a giver that dies before it was told does not keep its connection from moving', async t => {
  const { relay, workers: [a, b], handle } = setup(t, 2)
  assert.ok(a && b)
  relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
  relay.gone(a)
  assert.equal(takes(b), 1)
  a.sends(false)
  await turn()
  assert.equal(b.got.length, 1)
})

for (const how of ['ends', 'cannot be reached'] as const) {
  void test(`a receiver that ${how} is followed by another`, async t => {
    const { relay, workers: [a, b, c], handle, offered } = setup(t, 3)
    assert.ok(a && b && c)
    a.sends(true)
    relay.offer(a, { type: 'handoff-give', id: 1 }, handle)
    await turn()
    if (how === 'ends') relay.gone(b)
    else b.receives(false)
    assert.deepEqual([takes(b), takes(c)], [1, 1])
    assert.deepEqual([offered.get(b), offered.get(c)], [0, 1])
    // What is heard of the first one now comes too late to count.
    b.receives(true)
    assert.equal(handle.closed, 0)
    c.receives(true)
    assert.equal(handle.closed, 1)
  })
}

void test('a connection that a receiver sends back goes to another, with all that was read of it', t => {
  const { relay, workers: [a, b], handle, offered } = setup(t, 2)
  assert.ok(a && b)
  relay.pass(connectionHandle(), Buffer.from('GE'), { receiver: a, fresh: true })
  a.receives(true)
  relay.back(a, { type: 'handoff-back', head: 'GE', fresh: true }, handle)
  assert.deepEqual(b.got, [{ type: 'handoff-take', head: 'GE', fresh: true, refused: [1] }])
  assert.deepEqual([offered.get(a), offered.get(b)], [0, 1])
  b.receives(true)
  assert.equal(handle.closed, 1)
})

void test('a connection that each of them sends back is sent to none twice, and waits', t => {
  const { relay, workers: [a, b], add } = setup(t, 2)
  assert.ok(a && b)
  relay.pass(connectionHandle(), Buffer.alloc(0))
  for (const worker of [a, b]) {
    worker.receives(true)
    const take = worker.got.at(-1)
    assert.ok(take?.type === 'handoff-take')
    relay.back(worker, { ...take, type: 'handoff-back' }, connectionHandle())
  }
  assert.deepEqual([takes(a), takes(b), relay.counts().waiting], [1, 1, 1])
  const c = add()
  relay.retry()
  assert.deepEqual([takes(a), takes(b), takes(c)], [1, 1, 1])
})

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
  c.receives(true)
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
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  relay.pass(connectionHandle(), bytes, { receiver: a })
  relay.pass(connectionHandle(), Buffer.alloc(0), { receiver: b, fresh: true })
  assert.deepEqual(a.got, [{ type: 'handoff-take', head: bytes.toString('latin1') }])
  assert.deepEqual(b.got, [{ type: 'handoff-take', fresh: true }])
})

void test('closing closes everything held', t => {
  const { relay, handle } = setup(t, 1)
  relay.pass(handle, Buffer.alloc(0))
  relay.close()
  assert.deepEqual([handle.closed, relay.counts().held], [1, 0])
})
