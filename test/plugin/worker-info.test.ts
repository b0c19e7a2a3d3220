// What an app learns of its worker: the decorator, and the label on its log lines.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import { createWorkerIdentity, setProcessIdentity } from '../../src/worker-info.ts'

interface Line { readonly msg: string, readonly worker?: number, readonly module?: string, readonly reqId?: string }

/** Collects log lines as text, so that a doubled key shows. */
function collect (): { stream: Writable, raw: string[], lines: () => Line[] } {
  const raw: string[] = []
  const stream = new Writable({
    write (chunk: Buffer, _encoding, done) {
      raw.push(...chunk.toString().split('\n').filter(line => line !== ''))
      done()
    }
  })
  return { stream, raw, lines: () => raw.map(line => JSON.parse(line) as Line) }
}

function actAsWorker (t: TestContext, id: number): void {
  setProcessIdentity(createWorkerIdentity({ id, generation: 4, isClustered: true }))
  t.after(() => setProcessIdentity(undefined))
}

async function register (t: TestContext, app: FastifyInstance): Promise<FastifyInstance> {
  t.after(() => app.close())
  await app.register(fastifyClusterize)
  return app
}

void test('alone an app is worker 1 of a single process', async t => {
  const before = new Date()
  const { worker } = await register(t, Fastify())
  assert.deepEqual({ id: worker.id, pid: worker.pid, generation: worker.generation, isClustered: worker.isClustered }, { id: 1, pid: process.pid, generation: 1, isClustered: false })
  assert.ok(worker.startedAt >= before && worker.startedAt <= new Date())
  assert.equal(worker.draining.aborted, false)
  assert.ok(Object.isFrozen(worker))
})

void test('in a cluster it is who the process is, and plugins see the same', async t => {
  actAsWorker(t, 3)
  const app = await register(t, Fastify())
  let seen: unknown
  await app.register(async child => { seen = child.worker })
  await app.ready()
  assert.deepEqual([app.worker.id, app.worker.generation, app.worker.isClustered], [3, 4, true])
  assert.equal(seen, app.worker)
  assert.equal((await app.inject('/')).headers['x-worker-id'], '3')
})

void test('draining aborts when the app closes, before onClose hooks run', async t => {
  const app = await register(t, Fastify())
  const order: string[] = []
  app.worker.draining.addEventListener('abort', () => { order.push('draining') })
  app.addHook('onClose', async () => { order.push('onClose') })
  await app.ready()
  await app.close()
  assert.deepEqual(order, ['draining', 'onClose'])
})

void test('any number of streams may listen to draining without a warning', async t => {
  const warnings: Error[] = []
  const warned = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const { worker } = await register(t, Fastify())
  for (let count = 0; count < 100; count++) worker.draining.addEventListener('abort', () => {})
  await new Promise(resolve => { setImmediate(resolve) })
  assert.deepEqual(warnings, [])
})

void test('lines of the app, of requests and of child loggers carry the worker once', async t => {
  actAsWorker(t, 3)
  const { stream, raw, lines } = collect()
  const app = await register(t, Fastify({ logger: { stream } }))
  app.log.info('app')
  app.log.child({ module: 'db' }).info('child')
  app.get('/', { logLevel: 'debug' }, async request => {
    request.log.debug('request')
    return 'x'
  })
  await app.register(async child => { child.log.info('plugin') })
  await app.inject('/')
  assert.deepEqual(lines().map(({ msg }) => msg), ['app', 'child', 'plugin', 'incoming request', 'request', 'request completed'])
  for (const line of raw) assert.equal(line.match(/"worker":3/g)?.length, 1, line)
  assert.equal(lines()[1]?.module, 'db')
  assert.equal(lines()[3]?.reqId, 'req-1')
})

void test('a logger that two apps share is labelled once', async t => {
  actAsWorker(t, 2)
  const { stream, raw } = collect()
  const loggerInstance = pino(stream) as FastifyBaseLogger
  const apps = await Promise.all([1, 2].map(() => register(t, Fastify({ loggerInstance }) as FastifyInstance)))
  for (const app of apps) app.log.info('x')
  assert.equal(raw.length, 2)
  for (const line of raw) assert.equal(line.match(/"worker":2/g)?.length, 1, line)
})

void test('bindings the user gave stay', async t => {
  const { stream, raw } = collect()
  const loggerInstance = pino({ base: { service: 'shop' } }, stream) as FastifyBaseLogger
  const app = await register(t, Fastify({ loggerInstance }) as FastifyInstance)
  app.log.info('x')
  assert.match(raw[0] ?? '', /"service":"shop"/)
})

void test('a logger that is not pino\'s is left as it is', async t => {
  const calls: unknown[][] = []
  const log = (...args: unknown[]): void => { calls.push(args) }
  const loggerInstance: FastifyBaseLogger = { level: 'info', info: log, warn: log, error: log, fatal: log, debug: log, trace: log, silent: log, child: () => loggerInstance }
  const keys = Object.keys(loggerInstance)
  const app = await register(t, Fastify({ loggerInstance }))
  app.log.info('x')
  assert.deepEqual(Object.keys(loggerInstance), keys)
  assert.deepEqual(calls.at(-1), ['x'])
})

void test('without a logger nothing is logged and nothing fails', async t => {
  const app = await register(t, Fastify({ logger: false }))
  assert.equal((await app.inject('/')).statusCode, 404)
})
