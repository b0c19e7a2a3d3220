// A server that takes connections: what it does with bytes read elsewhere, and with its time limits.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { trackConnections } from '../../src/handoff/connections.ts'
import type { Connections } from '../../src/handoff/connections.ts'
import { createTaker, takeConnection } from '../../src/handoff/take.ts'
import { adoptHandle } from '../../src/node-internals.ts'
import { accepted } from './accepted.ts'
import { listening } from './listening.ts'
import { connect, request } from './raw-client.ts'

const NOTHING = Buffer.alloc(0)

async function start (t: TestContext, options: http.ServerOptions = {}): Promise<{ server: http.Server, connections: Connections, port: number }> {
  const server = http.createServer(options, ({ headers, socket }, response) => {
    const answer = (): void => { response.end(JSON.stringify({ id: headers['x-id'], ip: socket.remoteAddress })) }
    if (headers['x-delay'] === undefined) answer()
    else setTimeout(answer, Number(headers['x-delay']))
  })
  const connections = trackConnections(server)
  await listening(t, server)
  return { server, connections, port: (server.address() as { port: number }).port }
}

void test('bytes that were read elsewhere are the begin of the request', async t => {
  const { connections } = await start(t)
  const { client, handle } = await accepted(t)
  const bytes = request('cut')
  takeConnection(connections, handle, bytes.subarray(0, 9)).begin()
  assert.equal(connections.idle().length, 0)
  client.write(bytes.subarray(9))
  assert.equal((await client.read()).id, 'cut')
  assert.equal(connections.idle().length, 1)
})

void test('a request that was read elsewhere to its end is not taken for an untouched connection', async t => {
  const { connections } = await start(t)
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, request('whole', { headers: 'x-delay: 100\r\n' }), true).begin()
  assert.deepEqual([connections.idle().length, connections.untouched().length], [0, 0])
  assert.equal((await client.read()).id, 'whole')
})

void test('a connection new to every process is idle until its first byte, and may move', async t => {
  const { connections } = await start(t)
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, NOTHING, true).begin()
  assert.deepEqual([connections.idle().length, connections.untouched().length], [1, 1])
  await client.get('a')
  assert.deepEqual([connections.idle().length, connections.untouched().length], [1, 0])
})

void test('a server that does not listen any more sends a connection back, and leaves it as it is', async t => {
  const { server, connections } = await start(t)
  server.close()
  const { client, handle } = await accepted(t)
  const sent: unknown[] = []
  const take = createTaker({ connections, channel: { post: async (...message) => sent.push(message) > 0 } })
  take({ type: 'handoff-take', head: 'GE', fresh: true, refused: [4] }, handle)
  take({ type: 'handoff-take' }, undefined)
  assert.deepEqual(sent, [[{ type: 'handoff-back', head: 'GE', fresh: true, refused: [4] }, handle]])
  assert.equal(connections.size, 0)
  await once(client.socket, 'close')
})

void test('an adopted connection outlives headersTimeout, which ends one that was accepted', async t => {
  const { connections, port } = await start(t, { headersTimeout: 60, connectionsCheckingInterval: 20 })
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, NOTHING).begin()
  const other = await connect({ port, host: '127.0.0.1' })
  await once(other.socket, 'close')
  assert.equal(client.failure, undefined)
  assert.equal((await client.get('a')).id, 'a')
})

void test('from its first byte on headersTimeout holds for an adopted connection too', async t => {
  const { connections } = await start(t, { headersTimeout: 60, connectionsCheckingInterval: 20 })
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, NOTHING).begin()
  client.write('GET / HTTP/1.1\r\nx-')
  const [answer] = await once(client.socket, 'data') as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 408 /)
})

void test('keepAliveTimeout ends with the first byte: a slow request is not cut by it', async t => {
  const { server, connections } = await start(t, { keepAliveTimeout: 20 })
  Object.assign(server, { keepAliveTimeoutBuffer: 0 })
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, NOTHING).begin()
  assert.equal((await client.get('slow', 'x-delay: 1500\r\n')).id, 'slow')
})

void test('closing the server closes what waits for its first byte, and its close event comes', async t => {
  const { server, connections } = await start(t)
  const { client, handle } = await accepted(t)
  takeConnection(connections, handle, NOTHING).begin()
  assert.equal(await new Promise<number>(resolve => { server.getConnections((_error, count) => resolve(count)) }), 1)
  server.close()
  await Promise.all([once(server, 'close'), once(client.socket, 'close')])
  assert.equal(connections.size, 0)
})

void test('a client that leaves while its connection waits leaves nothing behind', async t => {
  const { server, connections } = await start(t)
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const { client, handle } = await accepted(t)
    const { connection, begin } = takeConnection(connections, handle, NOTHING)
    begin()
    const closed = new Promise(resolve => { connection?.socket.once('close', resolve) })
    client.socket[leave]()
    await closed
  }
  assert.equal(connections.size, 0)
  assert.equal(await new Promise<number>(resolve => { server.getConnections((_error, count) => resolve(count)) }), 0)
})

/** What the system is told of one connection. */
interface Told { setNoDelay: (on: boolean) => number, setKeepAlive: (on: boolean, seconds: number) => number }

for (const [settings, told] of [
  [{ noDelay: true, keepAlive: true, keepAliveInitialDelay: 7_000 }, { noDelay: [true], keepAlive: [true, 7] }],
  [{ noDelay: false, keepAlive: false }, { noDelay: undefined, keepAlive: undefined }]
] as const) {
  void test(`a connection that moved in has the settings of the server: ${JSON.stringify(settings)}`, async t => {
    const { server } = await start(t, settings)
    const { handle } = await accepted(t)
    const system = handle as typeof handle & Told
    const [noDelay, keepAlive] = [t.mock.method(system, 'setNoDelay'), t.mock.method(system, 'setKeepAlive')]
    const socket = adoptHandle(server, handle)
    t.after(() => socket.destroy())
    assert.deepEqual(noDelay.mock.calls[0]?.arguments, told.noDelay)
    assert.deepEqual(keepAlive.mock.calls[0]?.arguments.slice(0, 2), told.keepAlive)
  })
}
