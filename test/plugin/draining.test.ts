// What is in flight, and how responses announce the end of their connection.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import type net from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import type { PluginGate } from '../../src/plugin/gate.ts'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import { gateOf } from '../../src/request-gate.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'

type AddRoutes = (app: FastifyInstance) => void

interface Served { readonly app: FastifyInstance, readonly gate: PluginGate, readonly port: number, readonly open: () => Promise<HttpConnection>, readonly leave: Array<() => void> }

async function serve (t: TestContext, addRoutes: AddRoutes = () => {}, app: FastifyInstance = Fastify({ forceCloseConnections: true })): Promise<Served> {
  await app.register(fastifyClusterize)
  addRoutes(app)
  const leave: Array<() => void> = []
  // Clients first: an app waits for its HTTP/2 sessions.
  t.after(() => {
    for (const each of leave) each()
    return app.close()
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as net.AddressInfo
  const gate = gateOf<PluginGate>(app)
  assert.ok(gate)
  const open = async (): Promise<HttpConnection> => {
    const client = await connect({ port, host: '127.0.0.1' })
    leave.push(client.close)
    return client
  }
  return { app, gate, port, open, leave }
}

/** Resolves when so many requests are in flight. */
async function untilInFlight (gate: PluginGate, count: number): Promise<void> {
  while (gate.inFlight() !== count) await new Promise(resolve => { setTimeout(resolve, 1) })
}

const LEFT_HANGING: Record<string, AddRoutes> = {
  'a handler that never answers': app => { app.get('/', () => new Promise(() => {})) },
  'a stream in the middle': app => {
    app.get('/', (_request, reply) => {
      const body = new PassThrough()
      body.write('half')
      return reply.send(body)
    })
  },
  'a hijacked reply': app => {
    app.get('/', (_request, reply) => {
      reply.hijack()
      reply.raw.write('half')
    })
  },
  'a hook that never goes on': app => { app.get('/', { preHandler: () => {} }, async () => 'x') }
}

for (const [what, addRoutes] of Object.entries(LEFT_HANGING)) {
  void test(`${what} is in flight until its client leaves`, async t => {
    const { gate, open } = await serve(t, addRoutes)
    const client = await open()
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await untilInFlight(gate, 1)
    client.close()
    await untilInFlight(gate, 0)
  })
}

const ENDED_HERE: Record<string, AddRoutes> = {
  'an answer': app => { app.get('/', async () => 'x') },
  'an error': app => { app.get('/', async () => { throw new Error('thrown') }) },
  'an error in onSend': app => { app.get('/', { onSend: async () => { throw new Error('onSend') } }, async () => 'x') },
  'an error in onResponse': app => { app.get('/', { onResponse: async () => { throw new Error('onResponse') } }, async () => 'x') },
  'a hijacked reply that ends': app => {
    app.get('/', (_request, reply) => {
      reply.hijack()
      reply.raw.end('x')
    })
  },
  'a stream that fails': app => { app.get('/', (_request, reply) => reply.send(new Readable({ read () { this.destroy(new Error('broken')) } }))) },
  'a stream that fails half-way': app => {
    app.get('/', (_request, reply) => {
      const body = new PassThrough()
      body.write('half', () => body.destroy(new Error('broken')))
      return reply.send(body)
    })
  },
  'a socket destroyed by the app': app => {
    app.get('/', async request => {
      request.raw.socket.destroy()
      await new Promise(() => {})
    })
  },
  'a response destroyed by the app': app => {
    app.get('/', (_request, reply) => {
      reply.hijack()
      reply.raw.destroy()
    })
  },
  'a handler over its handlerTimeout': app => { app.get('/', { handlerTimeout: 10 }, () => new Promise(() => {})) },
  'a connection over its timeout': app => {
    app.server.setTimeout(20)
    app.get('/', () => new Promise(() => {}))
  }
}

for (const [what, addRoutes] of Object.entries(ENDED_HERE)) {
  void test(`${what} ends what is in flight`, async t => {
    const { gate, open } = await serve(t, addRoutes)
    const client = await open()
    const settled = new Promise<void>(resolve => { gate.onSettled(resolve) })
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await settled
    assert.equal(gate.inFlight(), 0)
  })
}

void test('a pipeline whose client leaves leaves nothing in flight', async t => {
  const { gate, open } = await serve(t, app => { app.get('/', () => new Promise(() => {})) })
  const client = await open()
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5))
  await untilInFlight(gate, 5)
  client.close()
  await untilInFlight(gate, 0)
})

void test('a pipeline that is answered leaves nothing in flight, and is counted once each', async t => {
  const { gate, open } = await serve(t, app => { app.get('/', async () => 'x') })
  const client = await open()
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5))
  for (let count = 0; count < 5; count++) assert.equal((await client.read()).body, 'x')
  await untilInFlight(gate, 0)
  const { total, responses } = gate.counts()
  assert.deepEqual([total, responses['2xx']], [5, 5])
})

void test('an upload whose client leaves half-way leaves nothing in flight', async t => {
  const { gate, open } = await serve(t, app => { app.post('/', async () => 'x') })
  const client = await open()
  client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  await untilInFlight(gate, 1)
  client.close()
  await untilInFlight(gate, 0)
  assert.deepEqual(gate.counts().responses, { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 })
})

void test('an injected request is in flight until it ends', async t => {
  const { app, gate } = await serve(t, app => { app.get('/', async () => gateOf(app)?.inFlight()) })
  assert.equal((await app.inject('/')).body, '1')
  await untilInFlight(gate, 0)
})

void test('a WebSocket is in flight until it closes, whoever closes it', async t => {
  const app = Fastify()
  await app.register(websocket)
  const { gate, port } = await serve(t, app => {
    app.register(async child => {
      child.get('/', { websocket: true }, socket => {
        socket.on('message', () => socket.close())
      })
    })
  }, app)
  for (const end of [(client: WebSocket) => client.terminate(), (client: WebSocket) => client.send('close'), (client: WebSocket) => client.close()]) {
    const client = new WebSocket(`ws://127.0.0.1:${port}/`)
    t.after(() => client.terminate())
    await once(client, 'open')
    assert.equal(gate.inFlight(), 1)
    end(client)
    await untilInFlight(gate, 0)
  }
})

void test('draining announces the end on responses that begin and on those in the making, not on what has begun to leave', async t => {
  let answer: (text: string) => void = () => {}
  const body = new PassThrough()
  const { gate, open } = await serve(t, app => {
    app.get('/', async () => 'x')
    app.get('/slow', () => new Promise(resolve => { answer = resolve }))
    app.get('/stream', (_request, reply) => {
      body.write('half')
      return reply.send(body)
    })
  })
  const [slow, stream, idle] = await Promise.all([open(), open(), open()])
  assert.equal((await idle.get('/')).headers['connection'], 'keep-alive')
  const [slowly, streamed] = [slow.get('/slow'), stream.get('/stream')]
  await once(stream.socket, 'data')
  await untilInFlight(gate, 2)
  gate.startDraining('every-connection')
  answer('done')
  body.end(' and half')
  assert.equal((await slowly).headers['connection'], 'close')
  const { headers, body: text } = await streamed
  assert.equal(headers['connection'], 'keep-alive')
  assert.equal(text, 'half and half')
  assert.equal((await idle.get('/')).headers['connection'], 'close')
  assert.equal(await idle.ended, 'announced')
})

for (const url of ['/throws', '/nowhere', '/hooked']) {
  void test(`the announcement is on ${url} too`, async t => {
    const { gate, open } = await serve(t, app => {
      app.get('/throws', async () => { throw new Error('thrown') })
      app.get('/hooked', { onRequest: (_request, reply) => { void reply.code(401).send('no') } }, async () => 'x')
    })
    gate.startDraining('every-connection')
    assert.equal((await (await open()).get(url)).headers['connection'], 'close')
  })
}

void test('while connections can move plain ones hear nothing, until that is widened; it is never narrowed', async t => {
  const { app, gate, open } = await serve(t, app => { app.get('/', async () => 'x') }, Fastify({ trustProxy: true }))
  gate.startDraining('unmovable-connections')
  assert.equal(app.worker.draining.aborted, true)
  const client = await open()
  assert.equal((await client.get('/')).headers['connection'], 'keep-alive')
  client.write('GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-proto: https\r\n\r\n')
  assert.equal((await client.read()).headers['connection'], 'keep-alive')
  gate.startDraining('every-connection')
  gate.startDraining('unmovable-connections')
  assert.equal((await client.get('/')).headers['connection'], 'close')
})

void test('app.close() alone begins the drain: worker.draining aborts, and what is in flight announces its end and finishes', async t => {
  let answer: (text: string) => void = () => {}
  const { app, gate, open } = await serve(t, app => {
    app.get('/slow', () => new Promise(resolve => { answer = resolve }))
  }, Fastify())
  const client = await open()
  const slowly = client.get('/slow')
  await untilInFlight(gate, 1)
  const draining = once(app.worker.draining, 'abort')
  const closed = app.close()
  await draining
  answer('done')
  const { status, headers } = await slowly
  assert.deepEqual([status, headers['connection']], [200, 'close'])
  await closed
})

void test('HTTP/2 responses have no connection header while draining, and are served', async t => {
  const { gate, port, leave } = await serve(t, app => { app.get('/', async () => 'x') }, Fastify({ http2: true }) as unknown as FastifyInstance)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  leave.push(() => session.destroy())
  gate.startDraining('every-connection')
  const stream = session.request({ ':path': '/' })
  const [headers] = await once(stream, 'response') as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
  assert.deepEqual([headers[':status'], headers['x-worker-id'], headers['connection']], [200, '1', undefined])
  stream.resume()
  await once(stream, 'close')
  await untilInFlight(gate, 0)
})

void test('an HTTP/2 stream the client resets leaves nothing in flight', async t => {
  const { gate, port, leave } = await serve(t, app => { app.get('/', () => new Promise(() => {})) }, Fastify({ http2: true }) as unknown as FastifyInstance)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  leave.push(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  stream.on('error', () => {})
  await untilInFlight(gate, 1)
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await untilInFlight(gate, 0)
})
