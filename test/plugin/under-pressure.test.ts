// What under-pressure finds too much is refused: by whom, with what, and where.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { adoptApp, gateNewInstances } from '../../src/plugin/adopt-app.ts'
import { gateOf } from '../../src/request-gate.ts'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import type { FastifyClusterizeOptions } from '../../src/options/plugin-types.ts'

type UnderPressure = Exclude<FastifyClusterizeOptions['underPressure'], false | undefined>

/** Pressure at will: a health check that fails, asked at registration and never again. */
const SICK: UnderPressure = { healthCheck: async () => false, healthCheckInterval: 1_000_000 }
const WELL: UnderPressure = { healthCheck: async () => true, healthCheckInterval: 1_000_000 }
const BLOCK_MS = 120

async function buildApp (t: TestContext, options: FastifyClusterizeOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize, options)
  app.get('/', async () => 'root')
  await app.register(async child => { child.get('/child', async () => 'child') })
  return app
}

async function statusOf (app: FastifyInstance, url = '/'): Promise<number> {
  return (await app.inject(url)).statusCode
}

function block (ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

void test('what is shed gets 503 with a code, Retry-After and the identity header, in plugins and on unknown routes too', async t => {
  const app = await buildApp(t, { underPressure: SICK })
  for (const url of ['/', '/child', '/nowhere']) {
    const response = await app.inject(url)
    assert.equal(response.statusCode, 503, url)
    assert.equal(response.json<{ code: string }>().code, 'FST_CLUSTERIZE_SHED')
    assert.match(String(response.headers['retry-after']), /^[12]$/)
    assert.equal(response.headers['x-worker-id'], '1')
  }
})

void test('it covers plugins loaded before ours where the app was adopted', async t => {
  const stop = gateNewInstances()
  const app = Fastify()
  stop()
  t.after(() => app.close())
  await app.register(async child => { child.get('/early', async () => 'x') })
  await adoptApp(app, { underPressure: SICK })
  assert.equal(await statusOf(app, '/early'), 503)
})

void test('without pressure all is served', async t => {
  // How long this process waits for the CPU is no part of it.
  const app = await buildApp(t, { shedding: false, underPressure: { ...WELL, maxEventLoopUtilization: 1 } })
  assert.deepEqual([await statusOf(app), await statusOf(app, '/child')], [200, 200])
})

void test('utilization is no reason where the loop\'s own budget sheds', async t => {
  const app = await buildApp(t, { underPressure: { sampleInterval: 20 } })
  await app.ready()
  while (app.memoryUsage().eventLoopUtilized < 0.985) {
    block(30)
    await turn()
  }
  assert.equal(app.isUnderPressure(), false)
  assert.equal(await statusOf(app), 200)
})

void test('without it a loop that is busy while nobody waits is not shed by default; one that makes requests wait is', async t => {
  const app = await buildApp(t, { shedding: false, underPressure: { sampleInterval: 100 } })
  await app.ready()
  const until = async (work: () => void, reached: (readings: ReturnType<FastifyInstance['memoryUsage']>) => boolean): Promise<void> => {
    while (!reached(app.memoryUsage())) {
      work()
      await turn()
    }
  }
  await until(() => block(1), ({ eventLoopUtilized, eventLoopDelay }) => eventLoopUtilized > 0.985 && eventLoopDelay < 40)
  assert.equal(app.isUnderPressure(), true)
  assert.equal(await statusOf(app), 200)
  await until(() => block(BLOCK_MS), ({ eventLoopUtilized, eventLoopDelay }) => eventLoopUtilized > 0.985 && eventLoopDelay > 60)
  assert.equal(await statusOf(app), 503)
})

void test('a utilization limit the user sets holds as it is set', async t => {
  const app = await buildApp(t, { underPressure: { sampleInterval: 50, maxEventLoopUtilization: 0.5 } })
  await app.ready()
  while (app.memoryUsage().eventLoopUtilized < 0.9) {
    block(1)
    await turn()
  }
  assert.equal(await statusOf(app), 503)
})

void test('limits on memory pass through', async t => {
  const app = await buildApp(t, { underPressure: { sampleInterval: 20, maxRssBytes: 1 } })
  await app.ready()
  while (app.memoryUsage().rssBytes === 0) await turn()
  assert.equal(await statusOf(app), 503)
})

void test('message, retryAfter and customError pass through', async t => {
  const worded = await (await buildApp(t, { underPressure: { ...SICK, message: 'come back', retryAfter: 7 } })).inject('/')
  assert.equal(worded.json<{ message: string }>().message, 'come back')
  assert.equal(worded.headers['retry-after'], '7')
  class TooBusy extends Error {
    readonly code = 'TOO_BUSY'
    readonly statusCode = 503
  }
  const own = await (await buildApp(t, { underPressure: { ...SICK, customError: TooBusy as unknown as Error } })).inject('/')
  assert.equal(own.json<{ code: string }>().code, 'TOO_BUSY')
  assert.equal(own.headers['x-worker-id'], '1')
})

void test('pressureHandler decides, for all routes or for one', async t => {
  const reasons: string[] = []
  const app = await buildApp(t, {
    underPressure: {
      ...SICK,
      pressureHandler (request, reply, reason) {
        reasons.push(reason)
        if (request.url !== '/') void reply.code(429).send('slow down')
      }
    }
  })
  app.get('/own', { config: { pressureHandler: (_request: FastifyRequest, reply: FastifyReply) => { void reply.code(202).send('queued') } } }, async () => 'x')
  const decided = [await statusOf(app), await statusOf(app, '/own')]
  assert.deepEqual(decided, [200, 202])
  assert.deepEqual(reasons, ['healthCheck'])
})

void test('exposeStatusRoute passes through, and its route carries the header', async t => {
  const app = await buildApp(t, { underPressure: { ...WELL, exposeStatusRoute: '/status' } })
  const response = await app.inject('/status')
  assert.deepEqual([response.statusCode, response.json()], [200, { status: 'ok' }])
  assert.equal(response.headers['x-worker-id'], '1')
})

for (const exposeStatusRoute of ['/status', true, { url: '/status', routeOpts: { logLevel: 'silent' } }]) {
  void test(`the status route is never shed and tells the state itself (${typeof exposeStatusRoute})`, async t => {
    const app = await buildApp(t, { underPressure: { maxRssBytes: 1, sampleInterval: 20, exposeStatusRoute } as UnderPressure })
    await app.ready()
    while (app.memoryUsage().rssBytes === 0) await turn()
    assert.deepEqual([await statusOf(app), await statusOf(app, '/status')], [503, 200])
    const sick = await buildApp(t, { underPressure: { ...SICK, exposeStatusRoute } as UnderPressure })
    assert.equal((await sick.inject('/status')).json<{ code: string }>().code, 'FST_UNDER_PRESSURE')
  })
}

void test('a route that is never shed is not shed here either, and neither is a health route', async t => {
  const app = await buildApp(t, { underPressure: SICK })
  app.get('/always', { config: { clusterize: { shed: false } } }, async () => 'x')
  app.get('/livez', async () => 'x')
  assert.deepEqual([await statusOf(app), await statusOf(app, '/always'), await statusOf(app, '/livez')], [503, 200, 200])
})

void test('what it refuses counts by reason and priority, and tells the reason', async t => {
  const app = await buildApp(t, { underPressure: SICK, shedding: { reasonHeader: true } })
  app.get('/critical', { config: { clusterize: { priority: 'critical' } } }, async () => 'x')
  assert.equal((await app.inject('/')).headers['x-shed-reason'], 'health-check')
  await app.inject('/critical')
  const gate = gateOf(app)
  assert.deepEqual(gate?.shedding().shed, { 'health-check': { critical: 1, normal: 1, sheddable: 0 } })
  assert.deepEqual([gate?.counts().total, gate?.counts().shed], [2, 2])
})

void test('the user\'s error handler sees an error of the user\'s own, and not the prepared answer', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize, { underPressure: { ...SICK, message: 'come back' } })
  app.setErrorHandler((error: Error & { code?: string }, _request, reply) => reply.code(503).send(`${error.code}: ${error.message}`))
  app.get('/', async () => 'x')
  assert.equal((await app.inject('/')).body, 'FST_CLUSTERIZE_SHED: come back')

  const prepared = await buildApp(t, { underPressure: SICK })
  prepared.setErrorHandler((_error, _request, reply) => reply.code(500).send('handled'))
  assert.equal((await prepared.inject('/')).json<{ code: string }>().code, 'FST_CLUSTERIZE_SHED')
})

void test('false leaves it out', async t => {
  const app = await buildApp(t, { underPressure: false })
  await app.ready()
  assert.equal(await statusOf(app), 200)
  assert.equal(app.hasDecorator('isUnderPressure'), false)
})

void test('readings stand on the root once the app is ready', async t => {
  const app = await buildApp(t, { underPressure: SICK })
  await app.ready()
  assert.equal(app.isUnderPressure(), true)
  assert.deepEqual(Object.keys(app.memoryUsage()).toSorted(), ['eventLoopDelay', 'eventLoopUtilized', 'heapUsed', 'rssBytes'])
})

void test('an app whose requests in flight leave no place is under pressure', async t => {
  const app = await buildApp(t, { underPressure: WELL, shedding: { maxInFlight: 1 } })
  let release = (): void => {}
  app.get('/hold', () => new Promise<string>(resolve => { release = () => resolve('held') }))
  await app.ready()
  const held = app.inject('/hold')
  assert.equal(app.isUnderPressure(), false)
  while (gateOf(app)?.inFlight() !== 1) await turn()
  assert.deepEqual([app.isUnderPressure(), await statusOf(app)], [true, 503])
  release()
  await held
  assert.equal(app.isUnderPressure(), false)
})

void test('a decorator of the user with the same name stays', async t => {
  const app = await buildApp(t, { underPressure: WELL })
  app.decorate('isUnderPressure', () => true)
  await app.ready()
  assert.equal(app.isUnderPressure(), true)
  assert.equal(await statusOf(app), 200)
})

for (const when of ['before', 'after'] as const) {
  for (const [how, theirs, ours, expected] of [['sheds', SICK, WELL, 503], ['does not shed', WELL, SICK, 200]] as const) {
    void test(`the user's own registration ${when} ours decides alone where it ${how}`, async t => {
      // As under clusterize(): the gate is there before anything is registered.
      const stop = gateNewInstances()
      const app = Fastify()
      stop()
      t.after(() => app.close())
      if (when === 'before') await app.register(underPressure, theirs)
      await app.register(fastifyClusterize, { underPressure: ours })
      if (when === 'after') await app.register(underPressure, theirs)
      app.get('/', async () => 'x')
      await app.register(async child => { child.get('/child', async () => 'x') })
      for (const url of ['/', '/child']) {
        const response = await app.inject(url)
        assert.equal(response.statusCode, expected)
        if (expected === 503) assert.equal(response.json<{ code: string }>().code, 'FST_UNDER_PRESSURE')
        assert.equal(response.headers['x-worker-id'], '1')
      }
      assert.equal(app.isUnderPressure(), theirs === SICK)
    })
  }
}

void test('a registration in a part of the app decides for that part alone', async t => {
  const app = await buildApp(t, { underPressure: SICK })
  await app.register(async child => {
    await child.register(underPressure, WELL)
    child.get('/theirs', async () => 'x')
    await child.register(async grandchild => { grandchild.get('/deeper', async () => 'x') })
  })
  const decided = await Promise.all(['/theirs', '/deeper', '/', '/child'].map(url => statusOf(app, url)))
  assert.deepEqual(decided, [200, 200, 503, 503])
})

void test('nothing of it keeps running after close', async t => {
  let checks = 0
  const app = await buildApp(t, { underPressure: { healthCheckInterval: 1, healthCheck: async () => ++checks > 0 } })
  await app.ready()
  while (checks < 3) await turn()
  await app.close()
  const before = checks
  await new Promise(resolve => { setTimeout(resolve, 20) })
  // One that had begun may still have ended.
  assert.ok(checks - before <= 1)
})
