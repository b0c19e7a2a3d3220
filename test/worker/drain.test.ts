// A drain on a real app: what has begun finishes, whoever is idle is told or let go, and the app's own hooks come last.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { WebSocket } from 'ws'
import { connect } from '../helpers/http-connection.ts'
import { serve, slow } from './drain-setup.ts'

const OPTIONS = { timeout: 30_000 }

void test('requests in flight finish with an announced close, then the hooks of the app run', OPTIONS, async t => {
  const { addRoutes, answer } = slow()
  const served = await serve(t, addRoutes)
  const clients = await Promise.all([served.open(), served.open(), served.open()])
  const answered = clients.map(client => client.get('/slow').then(response => {
    served.order.push('answered')
    return response
  }))
  await served.inFlight(3)
  const phases: string[] = []
  const drained = served.drain({ onPhase: phase => phases.push(phase) })
  assert.equal(served.app.worker.draining.aborted, true)
  assert.deepEqual(phases, ['requests'])
  answer()
  for (const { status, headers } of await Promise.all(answered)) assert.deepEqual([status, headers['connection']], [200, 'close'])
  for (const client of clients) assert.equal(await client.ended, 'announced')
  await drained
  assert.deepEqual(phases, ['requests', 'closing'])
  assert.deepEqual(served.order, ['answered', 'answered', 'answered', 'onClose'])
})

void test('an idle connection is served once more within its grace, and told that this was the end', OPTIONS, async t => {
  const served = await serve(t)
  const client = await served.open()
  assert.equal((await client.get('/')).headers['connection'], 'keep-alive')
  const drained = served.drain()
  await new Promise(resolve => { setTimeout(resolve, 20) })
  const { status, headers } = await client.get('/')
  assert.deepEqual([status, headers['connection']], [200, 'close'])
  assert.equal(await client.ended, 'announced')
  await drained
})

void test('an idle connection that stays silent is closed when its grace is over', OPTIONS, async t => {
  const served = await serve(t)
  const client = await served.open()
  await client.get('/')
  const began = performance.now()
  await served.drain({ idleGrace: 100 })
  assert.ok(performance.now() - began >= 99)
  assert.equal(await client.ended, 'idle')
})

void test('connections opened in advance that never sent a byte are closed when the grace is over', OPTIONS, async t => {
  const served = await serve(t)
  const clients = await Promise.all(Array.from({ length: 5 }, () => served.open()))
  await served.drain({ idleGrace: 50 })
  for (const client of clients) assert.equal(await client.ended, 'idle')
})

void test('without connections it is over at once', OPTIONS, async t => {
  const served = await serve(t)
  await served.drain()
  assert.deepEqual(served.order, ['onClose'])
})

void test('connections that wait to be accepted when it begins are served', OPTIONS, async t => {
  const served = await serve(t)
  const sockets = Array.from({ length: 50 }, () => net.connect(served.port, '127.0.0.1'))
  served.leave.push(() => { for (const socket of sockets) socket.destroy() })
  const texts = sockets.map(async socket => {
    const chunks: string[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString())).on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await new Promise(resolve => { socket.once('close', resolve) })
    return chunks.join('')
  })
  await Promise.all(sockets.slice(0, 1).map(socket => once(socket, 'connect')))
  await served.drain()
  for (const text of await Promise.all(texts)) assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*connection: close\r\n/i)
})

void test('new connections are refused while others still finish', OPTIONS, async t => {
  const { addRoutes, answer } = slow()
  const served = await serve(t, addRoutes)
  const client = await served.open()
  const answered = client.get('/slow')
  await served.inFlight(1)
  const drained = served.drain()
  while (served.app.server.listening) await sleep(1)
  await assert.rejects(connect({ port: served.port, host: '127.0.0.1' }), { code: 'ECONNREFUSED' })
  answer()
  assert.equal((await answered).status, 200)
  await drained
})

void test('a client that leaves in the middle holds nothing up', OPTIONS, async t => {
  const served = await serve(t, slow().addRoutes)
  const client = await served.open()
  client.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await served.inFlight(1)
  const drained = served.drain()
  client.close()
  await drained
})

void test('a request aborted long before holds nothing up', OPTIONS, async t => {
  const served = await serve(t, slow().addRoutes)
  const client = await served.open()
  client.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await served.inFlight(1)
  client.close()
  await served.inFlight(0)
  await served.drain()
})

void test('a request of which a part has arrived is served', OPTIONS, async t => {
  const served = await serve(t, app => { app.post('/', async request => request.body) })
  const [head, body] = await Promise.all([served.open(), served.open()])
  head.write('GET / HT')
  body.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nab')
  await served.inFlight(1)
  const drained = served.drain({ idleGrace: 0 })
  while (served.app.server.listening) await sleep(1)
  head.write('TP/1.1\r\nhost: x\r\n\r\n')
  body.write('cd')
  assert.equal((await head.read()).status, 200)
  assert.equal((await body.read()).body, 'abcd')
  for (const client of [head, body]) assert.equal(await client.ended, 'announced')
  await drained
})

void test('a stream that watches worker.draining ends, and its client gets the whole of it', OPTIONS, async t => {
  const served = await serve(t, app => {
    app.get('/events', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.raw.write('data: 1\n\n')
      app.worker.draining.addEventListener('abort', () => reply.raw.end('event: bye\n\n'))
    })
  })
  const client = await served.open()
  const events = client.get('/events')
  await once(client.socket, 'data')
  await served.drain({ idleGrace: 50 })
  assert.equal((await events).body, 'data: 1\n\nevent: bye\n\n')
})

void test('a WebSocket keeps its worker until its share of the time is over, then app.close() ends it', OPTIONS, async t => {
  const app = Fastify()
  await app.register(websocket)
  const served = await serve(t, () => app.register(async child => {
    child.get('/socket', { websocket: true }, socket => {
      socket.on('message', (message: Buffer) => socket.send(message.toString()))
    })
  }), app)
  const client = new WebSocket(`ws://127.0.0.1:${served.port}/socket`)
  served.leave.push(() => client.terminate())
  await once(client, 'open')
  const closed = once(client, 'close')
  const began = performance.now()
  const drained = served.drain({ timeout: 500, idleGrace: 0 })
  client.send('still here')
  assert.equal(String((await once(client, 'message'))[0]), 'still here')
  await closed
  assert.ok(performance.now() - began >= 449)
  await drained
})

void test('a WebSocket that ends by itself lets the drain go on at once', OPTIONS, async t => {
  const app = Fastify()
  await app.register(websocket)
  const served = await serve(t, () => app.register(async child => {
    child.get('/socket', { websocket: true }, socket => {
      child.worker.draining.addEventListener('abort', () => socket.close(1001))
    })
  }), app)
  const client = new WebSocket(`ws://127.0.0.1:${served.port}/socket`)
  served.leave.push(() => client.terminate())
  await once(client, 'open')
  const closed = once(client, 'close')
  await served.drain()
  assert.equal((await closed)[0], 1001)
})

void test('where connections can move they do, and none is told to close', OPTIONS, async t => {
  const served = await serve(t)
  const client = await served.open()
  await client.get('/')
  let moves = 0
  const drained = served.drain({
    giver: {
      async give () {
        moves++
        // The end of the client stands for its move.
        client.close()
        return { moved: 1, kept: 0, refused: false }
      }
    }
  })
  await drained
  assert.ok(moves >= 1)
})

void test('where nobody takes connections any more they get their grace and the announcement', OPTIONS, async t => {
  const served = await serve(t)
  const client = await served.open()
  await client.get('/')
  const drained = served.drain({ giver: { give: async () => ({ moved: 0, kept: 1, refused: true }) } })
  while (served.app.server.listening) await sleep(1)
  await new Promise(resolve => { setTimeout(resolve, 20) })
  assert.equal((await client.get('/')).headers['connection'], 'close')
  await drained
})
