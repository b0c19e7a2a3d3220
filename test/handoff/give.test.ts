// The giver against a primary that the test plays: what becomes of a connection for each answer, and for none.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { trackConnections } from '../../src/handoff/connections.ts'
import type { Connections } from '../../src/handoff/connections.ts'
import { createGiver } from '../../src/handoff/give.ts'
import type { Giver } from '../../src/handoff/give.ts'
import { connect, request } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'

interface Setup {
  connections: Connections
  giver: Giver
  port: EventEmitter & { connected: boolean }
  /** Ids of what was given, in order. */
  given: number[]
  /** Resolves with the next id given. */
  next: () => Promise<number>
  client: () => Promise<RawClient>
}

async function setup (t: TestContext, { timeout = 5000, sends = true, atOnce = 1 } = {}): Promise<Setup> {
  const server = http.createServer({ keepAliveTimeout: 3000 }, ({ headers }, response) => { response.end(JSON.stringify({ id: headers['x-id'] })) })
  const connections = trackConnections(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port: tcpPort } = server.address() as net.AddressInfo
  const port = Object.assign(new EventEmitter(), { connected: true })
  const given: number[] = []
  const announced = new EventEmitter()
  const giver = createGiver({
    connections,
    port,
    timeout,
    atOnce,
    channel: {
      deliver: ({ id }, _handle, done) => {
        given.push(id)
        setImmediate(() => {
          announced.emit('given', id)
          done(sends)
        })
      }
    }
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
    port.connected = false
    port.emit('disconnect')
  })
  return {
    connections,
    giver,
    port,
    given,
    next: async () => (await once(announced, 'given') as [number])[0],
    client: async () => {
      const client = await connect({ port: tcpPort, host: '127.0.0.1' })
      t.after(() => client.close())
      await client.get('first')
      return client
    }
  }
}

void test('held: this process lets go', async t => {
  const { giver, connections, next, client } = await setup(t)
  await client()
  const result = giver.give()
  giver.onHeld({ type: 'handoff-held', id: await next(), held: true })
  assert.deepEqual(await result, { moved: 1, kept: 0, refused: false })
  assert.deepEqual(connections.moves(), { movedIn: 0, movedOut: 1 })
})

for (const [how, answer] of [
  ['refused', ({ giver }, id) => giver.onHeld({ type: 'handoff-held', id, held: false })],
  ['given to a primary that ends without an answer', ({ port }) => port.emit('disconnect')]
] as Array<[string, (setup: Setup, id: number) => void]>) {
  void test(`${how}: the connection is served here, with what has arrived meanwhile`, async t => {
    const all = await setup(t)
    const client = await all.client()
    const result = all.giver.give()
    const id = await all.next()
    client.write(request('meanwhile'))
    answer(all, id)
    assert.deepEqual(await result, { moved: 0, kept: 1, refused: true })
    assert.equal((await client.read()).id, 'meanwhile')
    assert.equal((await client.get('again')).id, 'again')
    const [connection] = all.connections.all()
    assert.equal(connection?.socket.timeout, await idleTimeoutOf(t))
  })
}

/** What Node sets between two requests, which differs between its versions. */
async function idleTimeoutOf (t: TestContext): Promise<number | undefined> {
  const { connections, client } = await setup(t)
  await client()
  return connections.all()[0]?.socket.timeout
}

void test('not sent: the connection is served here', async t => {
  const { giver, client } = await setup(t, { sends: false })
  const one = await client()
  assert.deepEqual(await giver.give(), { moved: 0, kept: 1, refused: true })
  assert.equal((await one.get('again')).id, 'again')
})

void test('no answer in time: this process lets go, since the primary may hold it', async t => {
  const { giver, client } = await setup(t, { timeout: 20 })
  const one = await client()
  assert.deepEqual(await giver.give(), { moved: 1, kept: 0, refused: false })
  await once(one.socket, 'close')
})

void test('a loop that is kept for longer than an answer may take: the answer that waits already counts', async t => {
  const { giver, next, client } = await setup(t, { timeout: 20 })
  const one = await client()
  const [primary, channel] = await pipe(t)
  const result = giver.give()
  const id = await next()
  channel.once('data', () => giver.onHeld({ type: 'handoff-held', id, held: false }))
  primary.write('no')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  assert.deepEqual(await result, { moved: 0, kept: 1, refused: true })
  assert.equal((await one.get('again')).id, 'again')
})

/** Both ends of a connection, by which an answer waits outside of this process's loop. */
async function pipe (t: TestContext): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const near = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  const [far] = await accepted
  server.close()
  t.after(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

void test('a connection that turns busy before its turn stays', async t => {
  const { giver, given, next, client } = await setup(t)
  const [first, second] = [await client(), await client()]
  const result = giver.give()
  const id = await next()
  assert.equal((await second.get('busy')).id, 'busy')
  giver.onHeld({ type: 'handoff-held', id, held: true })
  assert.deepEqual(await result, { moved: 1, kept: 1, refused: false })
  assert.equal(given.length, 1)
  await once(first.socket, 'close')
  assert.equal((await second.get('again')).id, 'again')
})

void test('several leave at once, each with an answer of its own, and no more after one is refused', async t => {
  const { giver, given, next, client } = await setup(t, { atOnce: 2 })
  const [first, second] = [await client(), await client()]
  await client()
  const result = giver.give()
  const id = await next()
  assert.equal(given.length, 2)
  giver.onHeld({ type: 'handoff-held', id: id + 1, held: false })
  giver.onHeld({ type: 'handoff-held', id, held: true })
  assert.deepEqual(await result, { moved: 1, kept: 2, refused: true })
  await once(first.socket, 'close')
  assert.equal((await second.get('again')).id, 'again')
})

void test('an order with a time limit goes on after a refusal, with the next ones', async t => {
  const { giver, next, client } = await setup(t, { atOnce: 1 })
  const [first, second] = [await client(), await client()]
  const closed = once(second.socket, 'close')
  const result = giver.give({ within: 60_000 })
  giver.onHeld({ type: 'handoff-held', id: await next(), held: false })
  giver.onHeld({ type: 'handoff-held', id: await next(), held: true })
  assert.deepEqual(await result, { moved: 1, kept: 1, refused: false })
  await closed
  assert.equal((await first.get('again')).id, 'again')
})

void test('a connection on its way survives timeouts, and the closing of idle and of all connections', async t => {
  const { giver, connections, next, client } = await setup(t)
  const one = await client()
  const result = giver.give()
  const id = await next()
  const { socket } = connections.all()[0] ?? assert.fail('a connection')
  const server = connections.server as http.Server
  server.closeIdleConnections()
  server.closeAllConnections()
  socket.emit('timeout')
  assert.equal(socket.destroyed, false)
  assert.equal(connections.idle().length, 0)
  giver.onHeld({ type: 'handoff-held', id, held: false })
  await result
  assert.equal((await one.get('again')).id, 'again')
})

void test('no more go than asked for, in the order that is chosen', async t => {
  const { giver, connections, next, client } = await setup(t)
  for (let n = 0; n < 3; n++) await client()
  const last = connections.all().at(-1)
  const result = giver.give({ max: 1, choose: idle => idle.toReversed() })
  giver.onHeld({ type: 'handoff-held', id: await next(), held: true })
  assert.deepEqual(await result, { moved: 1, kept: 2, refused: false })
  assert.equal(last?.socket.destroyed, true)
})

void test('an order whose time is over moves nothing more, also where it had to wait for the one before', async t => {
  const { giver, next, client } = await setup(t)
  const [first, second] = [await client(), await client()]
  const before = giver.give({ max: 1 })
  const late = giver.give({ within: 0 })
  giver.onHeld({ type: 'handoff-held', id: await next(), held: true })
  assert.deepEqual([await before, await late], [{ moved: 1, kept: 1, refused: false }, { moved: 0, kept: 1, refused: false }])
  await Promise.race([once(first.socket, 'close'), once(second.socket, 'close')])
})
