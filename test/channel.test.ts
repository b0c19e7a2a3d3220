// Messages between two processes: what arrives, what is answered, and what happens when the other side is slow, foreign or dead.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mock, test } from 'node:test'
import type { TestContext } from 'node:test'
import { createChannel } from '../src/channel.ts'
import type { Answer, Channel, Port } from '../src/channel.ts'
import type { Activity, ToPrimary, ToWorker } from '../src/protocol.ts'

const ACTIVITY: Activity = { phase: 'serving', connections: 1, requests: [] }

type FakePort = Port & Pick<EventEmitter, 'emit' | 'listenerCount'> & { peer: FakePort, sent: unknown[], disconnect: () => void }

/** Two ports that deliver to each other on the next tick, as data. */
function ports (): [FakePort, FakePort] {
  const make = (): FakePort => {
    const port = Object.assign(new EventEmitter(), { connected: true, sent: [] as unknown[] }) as unknown as FakePort
    port.send = (message, handle, _options, callback) => {
      port.sent.push(message)
      setImmediate(() => {
        callback(null)
        if (port.peer.connected) port.peer.emit('message', JSON.parse(JSON.stringify(message)), handle)
      })
      return true
    }
    port.disconnect = () => {
      for (const end of [port, port.peer]) {
        end.connected = false
        end.emit('disconnect')
      }
    }
    return port
  }
  const [a, b] = [make(), make()]
  a.peer = b
  b.peer = a
  return [a, b]
}

function asPrimary (port: Port, onMessage: Parameters<typeof createChannel<ToWorker, ToPrimary>>[1] = () => {}): Channel<ToWorker> {
  return createChannel<ToWorker, ToPrimary>(port, onMessage)
}

function asWorker (port: Port, onMessage: Parameters<typeof createChannel<ToPrimary, ToWorker>>[1] = () => {}): Channel<ToPrimary> {
  return createChannel<ToPrimary, ToWorker>(port, onMessage)
}

/** A real process with a channel that lives until the test is over. */
function child (t: TestContext, code: string): ChildProcess & Port {
  const process_ = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  t.after(() => process_.kill('SIGKILL'))
  return process_ as ChildProcess & Port
}

void test('a posted message arrives with its handle, and the sender hears that it left', async () => {
  const [here, there] = ports()
  const got: unknown[] = []
  asWorker(there, (message, handle) => { got.push([message, handle]) })
  const handle = { fd: 3 }
  assert.equal(await asPrimary(here).post({ type: 'drain', mode: 'stop', timeout: 5 }, handle as never), true)
  assert.deepEqual(got, [[{ type: 'drain', mode: 'stop', timeout: 5 }, handle]])
})

void test('a delivery is told received before the other side looks at it, and lost where the other side goes first', async () => {
  const [here, there] = ports()
  const order: string[] = []
  asWorker(there, () => { order.push('looked at') })
  const primary = asPrimary(here)
  primary.deliver({ type: 'handoff-take' }, {} as never, received => { order.push(`received ${received}`) })
  while (order.length < 2) await new Promise(setImmediate)
  assert.deepEqual(order.toSorted(), ['looked at', 'received true'])
  primary.deliver({ type: 'handoff-take' }, {} as never, received => { order.push(`received ${received}`) })
  here.disconnect()
  primary.deliver({ type: 'handoff-take' }, {} as never, received => { order.push(`received ${received}`) })
  await new Promise(resolve => { setImmediate(resolve) })
  assert.deepEqual(order.slice(2), ['received false', 'received false'])
})

void test('a question gets its answer, handle included, and questions asked together get each their own', async () => {
  const [here, there] = ports()
  const handle = { fd: 4 }
  asPrimary(there, async (message): Promise<Answer> => {
    if (message.type !== 'listen') return { body: null }
    await new Promise(resolve => { setImmediate(resolve) })
    return { body: { kind: 'handle', address: `/${message.index}`, more: false }, handle: handle as never }
  })
  const worker = asWorker(here)
  const answers = await Promise.all([0, 1, 2].map(index => worker.ask({ type: 'listen', index }, { timeout: 5_000 })))
  assert.deepEqual(answers.map(({ body }) => body.kind === 'handle' && body.address), ['/0', '/1', '/2'])
  assert.ok(answers.every(answer => answer.handle === handle))
})

void test('a question that the other side has no answer for is answered with null', async () => {
  const [here, there] = ports()
  asWorker(there)
  assert.equal((await asPrimary(here).ask({ type: 'activity' }, { timeout: 5_000 })).body, null)
})

void test('messages of the user and of libraries pass by: no handler, no answer, no error', async () => {
  const [here, there] = ports()
  let called = 0
  asWorker(there, () => { called++ })
  for (const message of [null, undefined, 0, 'text', [], {}, { type: 'drain' }, { cmd: 'NODE_CLUSTER' }, { 'fastify-clusterize': 'post' }, { id: 1, body: {} }]) {
    there.emit('message', message, undefined)
  }
  asPrimary(here)
  assert.equal(called, 0)
  assert.deepEqual(there.sent, [])
})

void test('messages of the user and ours travel side by side: each listener gets all it should', async () => {
  const [here, there] = ports()
  const foreign: unknown[] = []
  const ours: unknown[] = []
  there.on('message', (message: unknown) => { foreign.push(message) })
  asWorker(there, message => { ours.push(message.type) })
  await asPrimary(here).post({ type: 'activity' })
  here.send?.({ hello: 'user' }, undefined, {}, () => {})
  await new Promise(resolve => { setImmediate(resolve) })
  assert.deepEqual(ours, ['activity'])
  assert.deepEqual(foreign.at(-1), { hello: 'user' })
})

void test('a question without an answer in time fails with its name and deadline, and an answer that comes later is dropped', async t => {
  const [here, there] = ports()
  let answer: (activity: { body: Activity }) => void = () => {}
  asWorker(there, () => new Promise(resolve => { answer = resolve }))
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const asked = asPrimary(here).ask({ type: 'activity' }, { timeout: 300 })
  const failed = assert.rejects(asked, { code: 'FST_CLUSTERIZE_IPC_TIMEOUT', message: 'No answer to "activity" within 300 ms' })
  await new Promise(resolve => { setImmediate(resolve) })
  mock.timers.tick(300)
  await failed
  answer({ body: ACTIVITY })
  await new Promise(resolve => { setImmediate(resolve) })
  assert.equal(there.sent.length, 1)
})

void test('when the other side disconnects, open questions fail at once and later ones too', async () => {
  const [here, there] = ports()
  asWorker(there, () => new Promise(() => {}))
  const primary = asPrimary(here)
  const asked = [1, 2].map(() => primary.ask({ type: 'activity' }, { timeout: 60_000 }))
  here.disconnect()
  for (const question of asked) await assert.rejects(question, { code: 'FST_CLUSTERIZE_IPC_CLOSED' })
  await assert.rejects(primary.ask({ type: 'activity' }, { timeout: 60_000 }), { code: 'FST_CLUSTERIZE_IPC_CLOSED' })
  assert.equal(await primary.post({ type: 'activity' }), false)
})

void test('a closed channel hears nothing more and fails what it waits for', async () => {
  const [here, there] = ports()
  let heard = 0
  const primary = asPrimary(here, () => { heard++ })
  const asked = primary.ask({ type: 'activity' }, { timeout: 60_000 })
  primary.close()
  await assert.rejects(asked, { code: 'FST_CLUSTERIZE_IPC_CLOSED' })
  await asWorker(there).post({ type: 'booting' })
  assert.equal(heard, 0)
  assert.equal(here.listenerCount('message'), 0)
})

void test('an answer to nobody is dropped', () => {
  const [here] = ports()
  asPrimary(here, () => assert.fail('an answer is no message'))
  here.emit('message', { 'fastify-clusterize': 'answer', id: 99, body: null }, undefined)
})

void test('without IPC at all a post is false and a question fails', async () => {
  const alone: Port = Object.assign(new EventEmitter(), { connected: false })
  assert.equal(await asWorker(alone).post({ type: 'booting' }), false)
  await assert.rejects(asWorker(alone).ask({ type: 'listen', index: 0 }, { timeout: 60_000 }), { code: 'FST_CLUSTERIZE_IPC_CLOSED' })
})

void test('to a process that was killed a post is false, and no error event is raised', async t => {
  const port = child(t, 'process.on("message", () => {})')
  const errors: unknown[] = []
  port.on('error', error => { errors.push(error) })
  const primary = asPrimary(port)
  assert.equal(await primary.post({ type: 'activity' }), true)
  const asked = primary.ask({ type: 'activity' }, { timeout: 60_000 })
  const failed = assert.rejects(asked, { code: 'FST_CLUSTERIZE_IPC_CLOSED' })
  const exited = once(port, 'exit')
  port.kill('SIGKILL')
  // More than a pipe holds: some of them are on their way when the process dies.
  const posts = Array.from({ length: 200 }, () => primary.post({ type: 'request-take', id: 1, head: 'x'.repeat(10_000) }))
  await exited
  await failed
  // A write the kernel took counts as sent; what matters is that each settles.
  for (const sent of await Promise.all(posts)) assert.equal(typeof sent, 'boolean')
  assert.equal(await primary.post({ type: 'activity' }), false)
  assert.deepEqual(errors, [])
})

void test('a real process answers across the channel while the user\'s messages go their own way', async t => {
  const port = child(t, `process.on('message', message => {
    if (message['fastify-clusterize'] === 'ask') process.send({ 'fastify-clusterize': 'answer', id: message.id, body: { phase: 'serving', connections: 0, requests: [] } })
    else process.send({ echo: message })
  })`)
  const echoes: unknown[] = []
  const primary = asPrimary(port, () => assert.fail('the user\'s message is none of ours'))
  port.on('message', message => { echoes.push(message) })
  port.send?.({ hello: 'user' }, undefined, {}, () => {})
  const { body } = await primary.ask({ type: 'activity' }, { timeout: 60_000 })
  assert.equal(body.phase, 'serving')
  assert.deepEqual(echoes[0], { echo: { hello: 'user' } })
})
