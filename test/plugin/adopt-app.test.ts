// An app that does not know this package gets everything all the same, on every route.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { adoptApp, gateNewInstances } from '../../src/plugin/adopt-app.ts'
import type { PluginGate } from '../../src/plugin/gate.ts'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import { gateOf } from '../../src/request-gate.ts'
import { createWorkerIdentity, setProcessIdentity } from '../../src/worker-info.ts'
import { connect } from '../helpers/http-connection.ts'

interface Adopted { readonly app: FastifyInstance, readonly gate: PluginGate }

/** What a worker does around the user's buildApp. */
async function adopt (t: TestContext, buildApp: () => Promise<FastifyInstance> | FastifyInstance, options: Parameters<typeof adoptApp>[1] = {}): Promise<Adopted> {
  setProcessIdentity(createWorkerIdentity({ id: 5, generation: 1, isClustered: true }))
  const stop = gateNewInstances()
  try {
    const app = await buildApp()
    t.after(() => app.close())
    return { app, gate: await adoptApp(app, options) }
  } finally {
    stop()
    setProcessIdentity(undefined)
  }
}

/** Routes before, in and after plugins; none of it registered with us. */
async function plainApp (): Promise<FastifyInstance> {
  const app = Fastify()
  app.get('/before', async () => 'x')
  await app.register(async child => {
    child.get('/awaited', async () => 'x')
    child.setNotFoundHandler((_request, reply) => reply.code(404).send('child'))
    await child.register(async grandchild => { grandchild.get('/deep', async () => 'x') })
  }, { prefix: '/child' })
  void app.register(async child => { child.get('/later', async () => 'x') })
  app.get('/after', async () => 'x')
  return app
}

const URLS = ['/before', '/child/awaited', '/child/deep', '/child/nowhere', '/later', '/after', '/nowhere']

void test('identity is on every route, those of plugins that were loaded earlier too', async t => {
  const { app } = await adopt(t, plainApp)
  assert.equal(app.worker.id, 5)
  for (const url of URLS) assert.equal((await app.inject(url)).headers['x-worker-id'], '5', url)
})

void test('shedding reaches every route', async t => {
  const { app, gate } = await adopt(t, plainApp)
  gate.setPressureHook((_request, reply) => { void reply.code(503).send('shed') })
  for (const url of URLS) {
    const response = await app.inject(url)
    assert.equal(response.statusCode, 503, url)
    assert.equal(response.headers['x-worker-id'], '5')
  }
})

void test('draining reaches every route', async t => {
  const { app, gate } = await adopt(t, plainApp)
  gate.startDraining('every-connection')
  assert.equal(app.worker.draining.aborted, true)
  for (const url of URLS) assert.equal((await app.inject(url)).headers['connection'], 'close', url)
})

void test('options reach the plugin', async t => {
  const { app } = await adopt(t, plainApp, { headers: { id: 'x-me' } })
  assert.equal((await app.inject('/child/deep')).headers['x-me'], '5')
})

void test('an app that registered the plugin itself keeps its own options', async t => {
  const { app } = await adopt(t, async () => {
    const app = await plainApp()
    await app.register(fastifyClusterize, { headers: { id: 'x-mine' } })
    return app
  }, { headers: { id: 'x-ours' } })
  for (const url of URLS) {
    const { headers } = await app.inject(url)
    assert.equal(headers['x-mine'], '5', url)
    assert.equal(headers['x-ours'], undefined)
  }
})

void test('a registration that buildApp did not wait for counts', async t => {
  const { app } = await adopt(t, () => {
    const app = Fastify()
    void app.register(fastifyClusterize, { headers: { id: 'x-mine' } })
    return app
  })
  assert.equal((await app.inject('/')).headers['x-mine'], '5')
})

void test('log lines of children that plugins made before we came carry the worker', async t => {
  const lines: string[] = []
  const stream = new Writable({
    write (chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    }
  })
  await adopt(t, () => {
    const app = Fastify({ logger: { stream } }) as FastifyInstance
    const early = app.log.child({ module: 'db' })
    app.addHook('onReady', async () => { early.info('connected') })
    return app
  }).then(({ app }) => app.ready())
  assert.equal(lines.length, 1)
  assert.equal(lines[0]?.match(/"worker":5/g)?.length, 1)
})

void test('an instance that is ready already is a clear error', async t => {
  await assert.rejects(adopt(t, async () => {
    const app = await plainApp()
    await app.ready()
    return app
  }), { code: 'FST_CLUSTERIZE_APP_READY', message: /already ready/ })
})

void test('so is one that was created earlier and is ready', async t => {
  const early = await plainApp()
  await early.ready()
  await assert.rejects(adopt(t, () => early), { code: 'FST_CLUSTERIZE_APP_READY' })
})

void test('an instance that is ready is fine where it has the plugin', async t => {
  const { app } = await adopt(t, async () => {
    const app = Fastify()
    await app.register(fastifyClusterize)
    await app.ready()
    return app
  })
  assert.equal((await app.inject('/')).headers['x-worker-id'], '5')
})

void test('an app created before buildApp ran is covered, with the plugins that are not loaded yet', async t => {
  const early = Fastify()
  early.get('/', async () => 'x')
  void early.register(async child => { child.get('/child', async () => 'x') })
  const { app } = await adopt(t, () => early)
  for (const url of ['/', '/child', '/nowhere']) assert.equal((await app.inject(url)).headers['x-worker-id'], '5', url)
})

void test('what a plugin of the app throws is what comes out', async t => {
  await assert.rejects(adopt(t, () => {
    const app = Fastify()
    void app.register(async () => { throw new Error('no database') })
    return app
  }), { message: 'no database' })
})

void test('a helper instance inside buildApp serves as it would without us, and its end is not ours', async t => {
  let helper: FastifyInstance | undefined
  const { app } = await adopt(t, async () => {
    helper = Fastify()
    helper.get('/', async () => 'helper')
    await helper.ready()
    return plainApp()
  })
  assert.ok(helper)
  const response = await helper.inject('/')
  assert.equal(response.body, 'helper')
  assert.equal(response.headers['x-worker-id'], undefined)
  assert.equal(helper.hasDecorator('worker'), false)
  await helper.close()
  assert.equal(app.worker.draining.aborted, false)
})

void test('instances created later are not touched', async t => {
  await adopt(t, plainApp)
  const later = Fastify()
  t.after(() => later.close())
  assert.equal(gateOf(later), undefined)
  assert.equal((await later.inject('/')).headers['x-worker-id'], undefined)
})

void test('requests of adopted apps are counted until they end', async t => {
  let answer: (text: string) => void = () => {}
  const { app, gate } = await adopt(t, async () => {
    const app = Fastify()
    await app.register(async child => {
      child.get('/slow', () => new Promise(resolve => { answer = resolve }))
    })
    return app
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await connect({ port: (app.server.address() as { port: number }).port, host: '127.0.0.1' })
  t.after(() => client.close())
  const began = new Promise<void>(resolve => { app.server.once('request', () => setImmediate(resolve)) })
  const got = client.get('/slow')
  await began
  assert.equal(gate.inFlight(), 1)
  const [listed] = gate.list(5)
  assert.deepEqual([listed?.method, listed?.url], ['GET', '/slow'])
  const settled = new Promise<void>(resolve => { gate.onSettled(resolve) })
  answer('x')
  await Promise.all([got, settled])
  assert.equal(gate.inFlight(), 0)
})
