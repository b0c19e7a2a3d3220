// Who answered stands on every response, whatever wrote it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { gateOf } from '../../src/request-gate.ts'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import type { FastifyClusterizeOptions } from '../../src/options/plugin-types.ts'
import { connect } from '../helpers/http-connection.ts'

interface Setup { readonly server?: FastifyServerOptions, readonly plugin?: FastifyClusterizeOptions }

/** An app with a route for each way to answer. */
async function buildApp (t: TestContext, { server = {}, plugin = {} }: Setup = {}): Promise<FastifyInstance> {
  const app = Fastify({ bodyLimit: 100, ...server })
  t.after(() => app.close())
  await app.register(fastifyClusterize, plugin)
  app.get('/', async () => 'root')
  app.get('/throws', async () => { throw new Error('thrown') })
  app.get('/teapot', async () => { throw Object.assign(new Error('short'), { statusCode: 418 }) })
  app.get('/stream', (_request, reply) => reply.send(Readable.from(['a', 'b'])))
  app.get('/web', async () => new Response('web', { headers: { 'x-own': 'yes' } }))
  app.get('/redirect', (_request, reply) => reply.redirect('/'))
  app.get('/nothing', (_request, reply) => reply.code(204).send())
  app.get('/onsend', { onSend: async () => { throw new Error('onSend') } }, async () => 'x')
  app.get('/broken-json', async () => { const round: { self?: unknown } = {}; round.self = round; return round })
  app.get('/early', { onRequest: (_request, reply) => { void reply.code(401).send('no') } }, async () => 'never')
  app.options('/', async () => 'options')
  app.post('/', { schema: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } } }, async () => 'posted')
  await app.register(async child => {
    child.setErrorHandler((_error, _request, reply) => reply.code(500).send('handled'))
    child.setNotFoundHandler((_request, reply) => reply.code(404).send('lost in the child'))
    child.get('/', async () => 'child')
    child.get('/throws', async () => { throw new Error('thrown') })
    await child.register(async grandchild => { grandchild.get('/', async () => 'grandchild') }, { prefix: '/deeper' })
  }, { prefix: '/child' })
  return app
}

const REQUESTS = [
  ['a route', 'GET', '/', 200],
  ['HEAD', 'HEAD', '/', 200],
  ['OPTIONS', 'OPTIONS', '/', 200],
  ['a thrown error', 'GET', '/throws', 500],
  ['an error with a status', 'GET', '/teapot', 418],
  ['a stream', 'GET', '/stream', 200],
  ['a Response', 'GET', '/web', 200],
  ['a redirect', 'GET', '/redirect', 302],
  ['an empty answer', 'GET', '/nothing', 204],
  ['an error in onSend', 'GET', '/onsend', 500],
  ['an answer that cannot be serialized', 'GET', '/broken-json', 500],
  ['an answer from a hook', 'GET', '/early', 401],
  ['404', 'GET', '/nowhere', 404],
  ['404 for a method', 'DELETE', '/', 404],
  ['a route in a plugin', 'GET', '/child', 200],
  ['a route in a plugin of a plugin', 'GET', '/child/deeper', 200],
  ['the error handler of a plugin', 'GET', '/child/throws', 500],
  ['the 404 of a plugin', 'GET', '/child/nowhere', 404]
] as const

for (const [what, method, url, status] of REQUESTS) {
  void test(`the header is on ${what}`, async t => {
    const app = await buildApp(t)
    const response = await app.inject({ method, url })
    assert.equal(response.statusCode, status)
    assert.equal(response.headers['x-worker-id'], '1')
  })
}

for (const [what, payload, headers, status] of [
  ['a validation error', '{}', { 'content-type': 'application/json' }, 400],
  ['malformed JSON', '{', { 'content-type': 'application/json' }, 400],
  ['an unknown content type', 'x', { 'content-type': 'x/y' }, 415],
  ['a body over the limit', JSON.stringify({ name: 'x'.repeat(200) }), { 'content-type': 'application/json' }, 413]
] as const) {
  void test(`the header is on the answer to ${what}`, async t => {
    const app = await buildApp(t)
    const response = await app.inject({ method: 'POST', url: '/', payload, headers })
    assert.equal(response.statusCode, status)
    assert.equal(response.headers['x-worker-id'], '1')
  })
}

void test('custom handlers of errors and of unknown routes on the root keep it', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize)
  app.setErrorHandler((_error, _request, reply) => reply.code(599).send('mine'))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))
  app.get('/', async () => { throw new Error('thrown') })
  for (const [url, status] of [['/', 599], ['/nowhere', 404]] as const) {
    const response = await app.inject(url)
    assert.equal(response.statusCode, status)
    assert.equal(response.headers['x-worker-id'], '1')
  }
})

void test('the header is on each of several answers on one connection, and on a stream that breaks', async t => {
  const app = await buildApp(t)
  app.get('/breaks', (_request, reply) => reply.send(Readable.from((async function * () {
    yield 'half'
    throw new Error('broken')
  })())))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const client = await connect({ port, host: '127.0.0.1' })
  t.after(() => client.close())
  for (const path of ['/', '/throws', '/nowhere']) assert.equal((await client.get(path)).headers['x-worker-id'], '1')
  let received = ''
  client.socket.on('data', (chunk: Buffer) => { received += chunk.toString() })
  client.write('GET /breaks HTTP/1.1\r\nhost: x\r\n\r\n')
  await client.ended
  assert.match(received, /^x-worker-id: 1\r$/m)
})

void test('pid and generation are opt-in, names can be chosen', async t => {
  const usual = await (await buildApp(t, { plugin: { headers: { pid: true, generation: true } } })).inject('/')
  assert.equal(usual.headers['x-worker-id'], '1')
  assert.equal(usual.headers['x-worker-pid'], String(process.pid))
  assert.equal(usual.headers['x-worker-generation'], '1')
  const named = await (await buildApp(t, { plugin: { headers: { id: 'X-Served-By', pid: 'x-process' } } })).inject('/nowhere')
  assert.equal(named.headers['x-served-by'], '1')
  assert.equal(named.headers['x-process'], String(process.pid))
  assert.equal(named.headers['x-worker-id'], undefined)
  assert.equal(named.headers['x-worker-generation'], undefined)
})

for (const headers of [false, { id: false }] as const) {
  void test(`headers: ${JSON.stringify(headers)} switches it off`, async t => {
    const response = await (await buildApp(t, { plugin: { headers } })).inject('/')
    assert.deepEqual(Object.keys(response.headers).filter(name => name.startsWith('x-worker')), [])
  })
}

void test('a handler may set the header itself', async t => {
  const app = await buildApp(t)
  app.get('/own', (_request, reply) => reply.header('x-worker-id', 'mine').send('x'))
  assert.equal((await app.inject('/own')).headers['x-worker-id'], 'mine')
})

void test('what Fastify or the app writes past the reply carries no header: reply.raw, a URL that cannot be decoded', async t => {
  const app = await buildApp(t)
  app.get('/raw', (_request, reply) => {
    reply.hijack()
    reply.raw.end('raw')
  })
  for (const [url, status] of [['/raw', 200], ['/%zz', 400]] as const) {
    const response = await app.inject(url)
    assert.equal(response.statusCode, status)
    assert.equal(response.headers['x-worker-id'], undefined)
  }
  assert.equal(gateOf(app)?.inFlight(), 0)
})

void test('a wrong option fails the registration', async () => {
  const app = Fastify()
  await assert.rejects(async () => { await app.register(fastifyClusterize, { header: {} } as FastifyClusterizeOptions) }, { code: 'FST_CLUSTERIZE_UNKNOWN_OPTION' })
})

void test('a second registration is an error, on the root and in a child', async t => {
  const onRoot = Fastify()
  const inChild = Fastify()
  t.after(() => Promise.all([onRoot.close(), inChild.close()]).catch(() => {}))
  await onRoot.register(fastifyClusterize)
  await assert.rejects(async () => { await onRoot.register(fastifyClusterize) }, { code: 'FST_CLUSTERIZE_PLUGIN_TWICE' })
  await inChild.register(fastifyClusterize)
  await assert.rejects(async () => { await inChild.register(async child => { await child.register(fastifyClusterize) }) }, { code: 'FST_CLUSTERIZE_PLUGIN_TWICE' })
})

void test('it works alone, under app.listen', async t => {
  const app = await buildApp(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const client = await connect({ port, host: '127.0.0.1' })
  const { status, headers } = await client.get('/')
  assert.equal(status, 200)
  assert.equal(headers['x-worker-id'], '1')
  const closed = once(client.socket, 'close')
  await app.close()
  await closed
})
