// Which connections are idle, and that asking changes nothing.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type net from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import tls from 'node:tls'
import { trackConnections } from '../../src/handoff/connections.ts'
import type { Connections } from '../../src/handoff/connections.ts'
import { connect, request } from './raw-client.ts'

// A pre-shared key needs no certificate.
const PSK = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const KEY = Buffer.alloc(16, 1)

async function track (t: TestContext, server: net.Server): Promise<{ connections: Connections, port: number }> {
  const connections = trackConnections(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const { socket } of connections.all()) socket.destroy()
  })
  return { connections, port: (server.address() as net.AddressInfo).port }
}

const echo: http.RequestListener = ({ headers }, response) => { response.end(JSON.stringify({ id: headers['x-id'] })) }

void test('asking does not close anything, and idle connections can still be closed', async t => {
  const server = http.createServer(echo)
  const { connections, port } = await track(t, server)
  const client = await connect({ port, host: '127.0.0.1' })
  await client.get('a')
  for (let n = 0; n < 3; n++) assert.equal(connections.idle().length, 1)
  assert.equal((await client.get('b')).id, 'b')
  server.closeIdleConnections()
  await once(client.socket, 'close')
  assert.equal(connections.size, 0)
})

void test('in a pipelined pair the connection is not idle between the two responses', async t => {
  const seen: number[] = []
  let finish = (): void => {}
  const server = http.createServer((incoming, response) => {
    if (incoming.headers['x-id'] === 'one') {
      setImmediate(() => {
        response.end('{}')
        // Ended, but the next one does not have the socket yet: Node's own list calls this idle.
        seen.push(connections.idle().length)
        process.nextTick(() => seen.push(connections.idle().length))
      })
    } else {
      finish = () => response.end('{}')
    }
  })
  const { connections, port } = await track(t, server)
  const client = await connect({ port, host: '127.0.0.1' })
  client.write(Buffer.concat([request('one'), request('two')]))
  await client.read()
  seen.push(connections.idle().length)
  finish()
  await client.read()
  assert.deepEqual(seen, [0, 0, 0])
  assert.equal(connections.idle().length, 1)
  client.close()
})

void test('a response that the client does not read keeps the connection', async t => {
  const server = http.createServer((_incoming, response) => { response.end(Buffer.alloc(50_000_000)) })
  const { connections, port } = await track(t, server)
  const client = await connect({ port, host: '127.0.0.1' })
  client.socket.pause()
  client.write(request('big'))
  await once(server, 'request')
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  assert.equal(connections.idle().length, 0)
  client.close()
})

void test('encrypted connections never move', async t => {
  const server = https.createServer({ ...PSK, pskCallback: () => KEY }, echo)
  const { connections, port } = await track(t, server)
  const client = tls.connect({ ...PSK, port, host: '127.0.0.1', pskCallback: () => ({ psk: KEY, identity: 'a' }), checkServerIdentity: () => undefined })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  client.write(request('a'))
  await once(client, 'data')
  assert.equal(connections.size, 1)
  assert.deepEqual(connections.idle(), [])
})

void test('HTTP/2 connections never move', async t => {
  const server = http2.createServer((_incoming, response) => { response.end('ok') })
  const { connections, port } = await track(t, server)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  t.after(() => session.destroy())
  const stream = session.request({ ':path': '/' }).resume()
  await once(stream, 'end')
  assert.equal(connections.size, 1)
  assert.deepEqual(connections.idle(), [])
})
