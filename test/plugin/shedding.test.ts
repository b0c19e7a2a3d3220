// What the plugin itself sheds: who goes first, what the answer is, what is counted and logged.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import type { FastifyClusterizeOptions, SheddingOptions } from '../../src/options/plugin-types.ts'
import { gateOf } from '../../src/request-gate.ts'
import type { RequestGate } from '../../src/request-gate.ts'
import { installGate } from '../../src/plugin/gate.ts'
import { connect } from '../helpers/http-connection.ts'

const PRIORITIES = ['sheddable', 'normal', 'critical'] as const

interface Held { readonly app: FastifyInstance, readonly gate: RequestGate, readonly release: () => void, readonly holds: () => number }

/** `/hold` and its kin answer once they are released. */
async function holdingApp (t: TestContext, shedding: false | SheddingOptions, server: FastifyServerOptions = {}, options: FastifyClusterizeOptions = {}): Promise<Held> {
  const app = Fastify(server)
  const holding: Array<() => void> = []
  t.after(() => {
    for (const release of holding) release()
    return app.close()
  })
  await app.register(fastifyClusterize, { underPressure: false, shedding, ...options })
  const hold = (): Promise<string> => new Promise(resolve => holding.push(() => resolve('held')))
  for (const priority of PRIORITIES) app.get(`/${priority}`, { config: { clusterize: { priority } } }, hold)
  app.get('/hold', hold)
  app.get('/', async () => 'root')
  app.post('/', async () => 'posted')
  app.get('/always', { config: { clusterize: { shed: false } } }, hold)
  app.get('/livez', async () => 'live')
  await app.register(async child => {
    child.get('/plain', async () => 'child')
    child.get('/critical', { config: { clusterize: { priority: 'critical' } } }, hold)
    child.get('/livez', async () => 'live')
  }, { prefix: '/child' })
  const gate = gateOf(app)
  assert.ok(gate)
  return { app, gate, release: () => { for (const release of holding.splice(0)) release() }, holds: () => holding.length }
}

const BLOCK_MS = 5
/** So many requests at once that some have to wait, since the first block for longer than a slice, and none too long, also where the machine is at a fraction of its speed. */
const WAITING = 75
const BLOCKING = 60
const PATIENT: FastifyClusterizeOptions = { shedding: { maxQueueDelay: 1000 } }
/** So many that they are not all served before the first of them is seen to have left. */
const LEAVING = 60

interface Blocking { readonly app: FastifyInstance, readonly gate: RequestGate, readonly order: string[] }

/** Its handlers keep the loop, or the first of them; `order` tells in which order they were called. */
async function blockingApp (t: TestContext, options: FastifyClusterizeOptions, blocking: number = Infinity, answer: () => unknown = () => 'done'): Promise<Blocking> {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize, { underPressure: false, ...options })
  const order: string[] = []
  for (const priority of [...PRIORITIES, 'livez'] as const) {
    app.get(`/${priority}`, priority === 'livez' ? {} : { config: { clusterize: { priority } } }, async () => {
      order.push(priority)
      if (order.length <= blocking) block(BLOCK_MS)
      return String(answer())
    })
  }
  await app.ready()
  // So that the first of them finds a loop that has slept.
  await sleep(20)
  const gate = gateOf(app)
  assert.ok(gate)
  return { app, gate, order }
}

/** Starts a request, and returns once it is held, or its status. */
async function begin ({ app, holds }: Held, url: string, headers: Record<string, string> = {}): Promise<'held' | number> {
  const before = holds()
  let status: number | undefined
  void app.inject({ url, headers }).then(({ statusCode }) => { status = statusCode })
  while (holds() === before && status === undefined) await sleep(1)
  return status ?? 'held'
}

for (const [method, url] of [['GET', '/'], ['HEAD', '/'], ['POST', '/'], ['OPTIONS', '/'], ['GET', '/child/plain'], ['HEAD', '/child/plain'], ['GET', '/nowhere'], ['GET', '/child/nowhere']] as const) {
  test(`what is shed gets 503 with a code, Retry-After and the identity header: ${method} ${url}`, async t => {
    const held = await holdingApp(t, { maxInFlight: 1 })
    await begin(held, '/hold')
    const response = await held.app.inject({ method, url, ...method === 'POST' ? { payload: { x: 1 } } : {} })
    assert.equal(response.statusCode, 503)
    const body = '{"statusCode":503,"code":"FST_CLUSTERIZE_SHED","error":"Service Unavailable","message":"Service overloaded, try again later"}'
    assert.equal(response.body, method === 'HEAD' ? '' : body)
    assert.equal(response.headers['content-length'], String(body.length))
    assert.equal(response.headers['content-type'], 'application/json; charset=utf-8')
    assert.match(String(response.headers['retry-after']), /^[12]$/)
    assert.equal(response.headers['x-worker-id'], '1')
    assert.equal(response.headers['x-shed-reason'], undefined)
  })
}

for (const [by, options] of [['the limit of requests in flight', { shedding: { maxInFlight: 1 } }], ['pressure', { underPressure: { healthCheck: async () => false, healthCheckInterval: 1_000_000 } }]] as const) {
  test(`where ${by} refuses all, clients are sent back over half a minute`, async t => {
    const held = await holdingApp(t, {}, {}, options)
    if (by !== 'pressure') await begin(held, '/hold')
    let latest = 0
    for (let sent = 0; sent < 100_000 && latest < 25; sent++) latest = Math.max(latest, Number((await held.app.inject('/')).headers['retry-after']))
    assert.ok(latest >= 25)
  })
}

for (const [reasonHeader, name] of [[true, 'x-shed-reason'], ['X-Why', 'x-why']] as const) {
  test(`the reason is told where it is wanted, as ${name}`, async t => {
    const held = await holdingApp(t, { maxInFlight: 1, reasonHeader })
    await begin(held, '/hold')
    assert.equal((await held.app.inject('/')).headers[name], 'in-flight')
  })
}

test('places are kept for what matters more, by route, in plugins too, and counted by priority', async t => {
  const held = await holdingApp(t, { maxInFlight: 8 })
  const fill = async (url: string): Promise<number> => {
    for (let count = 0; ; count++) if (await begin(held, url) !== 'held') return count
  }
  assert.deepEqual([await fill('/sheddable'), await fill('/hold'), await fill('/child/critical')], [6, 2, 0])
  assert.deepEqual(held.gate.shedding().shed, { 'in-flight': { critical: 1, normal: 1, sheddable: 1 } })
  assert.equal(held.gate.shedding().limit, 8)
  held.release()
  while (held.gate.inFlight() > 0) await sleep(1)
  assert.equal(await begin(held, '/sheddable'), 'held')
})

test('shedding is active while what comes now may be shed: what is normal, and what is sheddable where there is such', async t => {
  const held = await holdingApp(t, { maxInFlight: 20 })
  const isActive = (): boolean => held.gate.shedding().active
  for (let count = 0; count < 18; count++) {
    assert.deepEqual([isActive(), await begin(held, '/hold')], [false, 'held'])
  }
  assert.deepEqual([isActive(), await begin(held, '/hold'), await begin(held, '/critical')], [true, 503, 'held'])
  held.release()
  while (held.gate.inFlight() > 0) await sleep(1)
  for (let count = 0; count < 15; count++) {
    assert.deepEqual([isActive(), await begin(held, '/sheddable')], [false, 'held'])
  }
  assert.deepEqual([isActive(), await begin(held, '/sheddable'), await begin(held, '/hold')], [true, 503, 'held'])
})

test('HEAD has the priority of its route', async t => {
  const held = await holdingApp(t, { maxInFlight: 4 })
  for (let i = 0; i < 3; i++) await begin(held, '/critical')
  assert.equal(await begin(held, '/sheddable'), 503)
  const head = held.app.inject({ method: 'HEAD', url: '/critical' })
  while (held.holds() < 4) await sleep(1)
  held.release()
  assert.equal((await head).statusCode, 200)
})

test('a preflight matters as much as what it asks for, and is critical where that is not known', async t => {
  const held = await holdingApp(t, { maxInFlight: 20 })
  const { app } = held
  // As @fastify/cors has it.
  app.options('*', async (_request, reply) => reply.code(204).send())
  app.options('/own', { config: { clusterize: { priority: 'sheddable' } } }, async (_request, reply) => reply.code(204).send())
  app.post('/orders', { config: { clusterize: { priority: 'critical' } } }, async () => 'ordered')
  app.put('/orders', async () => 'changed')
  app.post('/orders/:id', { config: { clusterize: { priority: 'sheddable' } } }, async () => 'changed')
  const preflight = async (asked: string, url: string): Promise<number> => (await app.inject({ method: 'OPTIONS', url, headers: { 'origin': 'https://other', 'access-control-request-method': asked } })).statusCode
  for (let count = 0; count < 18; count++) await begin(held, '/hold')
  assert.deepEqual(await Promise.all([preflight('POST', '/orders?fast=1'), preflight('PUT', '/orders'), preflight('POST', '/orders/1'), preflight('GET', '/always'), preflight('GET', '/own')]), [204, 503, 204, 204, 503])
  for (let count = 0; count < 2; count++) await begin(held, '/critical')
  assert.deepEqual([await preflight('POST', '/orders'), await preflight('GET', '/always'), await preflight('GET', '/livez')], [503, 204, 204])
  assert.equal((await app.inject({ method: 'OPTIONS', url: '/orders' })).statusCode, 503)
})

test('what is never shed is served whatever the load, and takes nobody\'s place', async t => {
  const held = await holdingApp(t, { maxInFlight: 1, healthRoutes: ['/livez', '/'] })
  await begin(held, '/always')
  assert.equal(await begin(held, '/hold'), 'held')
  assert.equal(await begin(held, '/always'), 'held')
  assert.deepEqual([await begin(held, '/livez'), await begin(held, '/'), await begin(held, '/child/livez')], [200, 200, 503])
})

test('classify tells by the request; what it leaves open is the route\'s', async t => {
  const held = await holdingApp(t, { maxInFlight: 4, classify: ({ headers }) => headers['x-tenant'] === 'gold' ? 'critical' : undefined })
  for (let i = 0; i < 3; i++) await begin(held, '/critical')
  assert.equal(await begin(held, '/sheddable'), 503)
  assert.equal(await begin(held, '/sheddable', { 'x-tenant': 'gold' }), 'held')
})

for (const [how, classify] of [['throws', () => { throw new Error('no') }], ['returns nonsense', () => 'urgent' as 'critical']] as const) {
  test(`a classifier that ${how} costs no request, and is told of once`, async t => {
    const { lines, logger } = recorder()
    const held = await holdingApp(t, { maxInFlight: 4, classify }, { logger })
    for (let i = 0; i < 3; i++) await begin(held, '/critical')
    assert.equal(await begin(held, '/sheddable'), 503)
    assert.equal(await begin(held, '/critical'), 'held')
    assert.deepEqual(lines().filter(({ level }) => level === 50).map(({ msg }) => msg), ['shedding.classify failed: the priority of the route counts'])
  })
}

test('a wrong setting of a route is an error when the route is declared, before the plugin is there too', async () => {
  const app = Fastify()
  installGate(app)
  assert.throws(() => app.get('/a', { config: { clusterize: { priority: 'urgent' as 'critical' } } }, async () => 'x'), { code: 'FST_CLUSTERIZE_INVALID_OPTION', message: /config\.clusterize of GET \/a\.priority.*urgent/ })
  await app.register(fastifyClusterize)
  assert.throws(() => app.get('/b', { config: { clusterize: { sheds: false } as object } }, async () => 'x'), { code: 'FST_CLUSTERIZE_UNKNOWN_OPTION' })
})

test('who would wait too long is shed, what matters most is served first, and the counts add up', async t => {
  const { app, gate, order } = await blockingApp(t, { shedding: { reasonHeader: true } })
  const urls = Array.from({ length: 120 }, (_, index) => `/${PRIORITIES[index % 3] ?? ''}`)
  const responses = await Promise.all([...urls, '/livez'].map(url => app.inject(url)))
  const shed = responses.filter(({ statusCode }) => statusCode === 503)
  assert.ok(shed.length > 10 && shed.every(({ headers }) => headers['x-shed-reason'] === 'queue-delay'), `${shed.length} shed`)
  assert.equal(responses.at(-1)?.statusCode, 200)
  const waited = order.slice(order.indexOf('livez') + 1)
  assert.ok(waited.includes('critical'), order.join(' '))
  assert.deepEqual(waited, waited.toSorted((a, b) => place(b) - place(a)))
  const counted = gate.shedding().shed['queue-delay'] ?? { critical: 0, normal: 0, sheddable: 0 }
  assert.equal(counted.critical + counted.normal + counted.sheddable, shed.length)
  assert.deepEqual([gate.counts().total, gate.counts().shed, gate.counts().responses['2xx'], gate.counts().responses['5xx'], gate.inFlight()], [121, shed.length, 121 - shed.length, shed.length, 0])
})

test('requests that wait are in flight, and a drain waits for them and ends their connections', async t => {
  const { app, gate, order } = await blockingApp(t, PATIENT, BLOCKING)
  const answers = Array.from({ length: WAITING }, () => app.inject('/normal'))
  await new Promise<void>(resolve => process.nextTick(resolve))
  assert.ok(gate.inFlight() >= WAITING - order.length && order.length < WAITING, `${gate.inFlight()} in flight, ${order.length} served`)
  gate.startDraining('every-connection')
  const responses = await Promise.all(answers)
  assert.deepEqual(new Set(responses.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.equal(responses.at(-1)?.headers['connection'], 'close')
  assert.equal(gate.inFlight(), 0)
})

test('a request that waited goes on in the async context in which it came', async t => {
  const context = new AsyncLocalStorage<number>()
  const { app, gate, order } = await blockingApp(t, PATIENT, BLOCKING, () => context.getStore())
  const answers = Array.from({ length: WAITING }, (_, number) => context.run(number, () => app.inject('/normal')))
  await new Promise<void>(resolve => process.nextTick(resolve))
  assert.ok(gate.inFlight() > 1)
  assert.deepEqual((await Promise.all(answers)).map(({ body }) => body), Array.from({ length: WAITING }, (_, number) => String(number)))
  assert.equal(order.length, WAITING)
})

test('a client that leaves while its request waits makes no work for its handler', async t => {
  const { app, gate, order } = await blockingApp(t, { shedding: { maxQueueDelay: 400 } })
  const target = await listening(app)
  const clients = await Promise.all(Array.from({ length: LEAVING * 2 }, () => connect(target)))
  // Node accepts one a turn: so that all are there.
  for (const client of clients) await client.get('/livez')
  const before = order.length
  const [stays, leaves] = [clients.slice(LEAVING), clients.slice(0, LEAVING)]
  const answers = stays.map(client => client.get('/critical'))
  for (const client of leaves) client.write('GET /sheddable HTTP/1.1\r\nhost: test\r\n\r\n')
  while (gate.counts().total < 2 * clients.length) await new Promise(resolve => setImmediate(resolve))
  for (const client of leaves) client.close()
  await Promise.all(answers)
  while (gate.inFlight() > 0) await sleep(1)
  assert.ok(order.length - before < clients.length, `${order.length - before} were served`)
  for (const client of stays) client.close()
})

test('a request that was answered while it waited is neither served nor refused', { timeout: 30_000 }, async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize, { underPressure: false, shedding: { maxQueueDelay: 20 } })
  let release = (): void => {}
  let ran = 0
  app.get('/slow', () => new Promise<string>(resolve => { release = () => resolve('slow') }))
  app.get('/busy', { config: { clusterize: { priority: 'critical' } } }, async () => block(BLOCK_MS))
  app.get('/', { handlerTimeout: 1 }, async () => String(++ran))
  const client = await connect(await listening(app))
  const get = (url: string): string => `GET ${url} HTTP/1.1\r\nhost: test\r\n\r\n`
  // The first keeps all answers back, so that none of the others closes.
  client.write(get('/slow') + get('/busy').repeat(LEAVING) + get('/'))
  const gate = gateOf(app)
  assert.ok(gate)
  while (gate.counts().total < LEAVING + 2 || gate.shedding().delay > 0) await sleep(1)
  release()
  for (let read = 0; read <= LEAVING; read++) await client.read()
  const { body } = await client.read()
  assert.deepEqual([(JSON.parse(body) as { code: string }).code, ran], ['FST_ERR_HANDLER_TIMEOUT', 0])
  client.close()
})

test('with shedding false nothing is shed', async t => {
  const { app, gate } = await holdingApp(t, false)
  app.get('/busy', async () => block(20))
  const responses = await Promise.all(Array.from({ length: 30 }, () => app.inject('/busy')))
  assert.ok(responses.every(({ statusCode }) => statusCode === 200))
  assert.deepEqual([gate.counts().shed, gate.shedding()], [0, { active: false, share: 0, delay: 0, limit: null, shed: {} }])
})

test('a shed request leaves its connection as it found it: the next one is served, the body of the shed one is not read', async t => {
  const held = await holdingApp(t, { maxInFlight: 1 })
  let parsed = 0
  held.app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, _body, done) => {
    parsed++
    done(null, 'x')
  })
  const client = await connect(await listening(held.app))
  await begin(held, '/hold')
  const body = 'x'.repeat(300_000)
  const answer = client.read()
  client.write(`POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  assert.deepEqual([(await answer).status, parsed], [503, 0])
  held.release()
  while (held.gate.inFlight() > 0) await sleep(1)
  assert.equal((await client.get('/')).status, 200)
  client.close()
})

test('a client that leaves makes room', async t => {
  const held = await holdingApp(t, { maxInFlight: 1 })
  const client = await connect(await listening(held.app))
  client.write('GET /hold HTTP/1.1\r\nhost: test\r\n\r\n')
  while (held.holds() === 0) await sleep(1)
  assert.equal((await held.app.inject('/')).statusCode, 503)
  client.close()
  while (held.gate.inFlight() > 0) await sleep(1)
  assert.equal((await held.app.inject('/')).statusCode, 200)
})

test('while draining a shed answer ends its connection, and the drain hears of it', async t => {
  const held = await holdingApp(t, { maxInFlight: 1 })
  const client = await connect(await listening(held.app))
  await begin(held, '/hold')
  held.gate.startDraining('every-connection')
  let settled = 0
  held.gate.onSettled(() => { settled++ })
  const { status, headers } = await client.get('/')
  assert.deepEqual([status, headers['connection'], await client.ended], [503, 'close', 'announced'])
  assert.equal(settled, 1)
})

test('over HTTP/2 the answer is the same', async t => {
  const app = Fastify({ http2: true })
  t.after(() => app.close())
  const gate = installGate(app as unknown as FastifyInstance)
  await app.register(fastifyClusterize, { underPressure: false, shedding: { maxInFlight: 1 } })
  let release = (): void => {}
  app.get('/hold', () => new Promise(resolve => { release = () => resolve('held') }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = http2.connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  const hold = session.request({ ':path': '/hold' })
  while (gate.inFlight() === 0) await sleep(1)
  const stream = session.request({ ':path': '/hold' })
  const [headers] = await once(stream, 'response') as [Record<string, unknown>]
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk)
  assert.deepEqual([headers[':status'], headers['x-worker-id'], (JSON.parse(body) as { code: string }).code], [503, '1', 'FST_CLUSTERIZE_SHED'])
  hold.resume()
  release()
  await once(hold, 'close')
  session.close()
})

test('shed requests are logged as one line and not each; an onResponse hook sees them all', async t => {
  const { lines, logger } = recorder()
  const held = await holdingApp(t, { maxInFlight: 1 }, { logger })
  const seen: number[] = []
  held.app.addHook('onResponse', (_request, reply, done) => {
    seen.push(reply.statusCode)
    done()
  })
  await begin(held, '/hold')
  for (let i = 0; i < 50; i++) await held.app.inject('/nowhere')
  const messages = lines().map(({ msg }) => msg)
  assert.equal(messages.filter(message => message === 'overload: requests are shed').length, 1)
  assert.equal(messages.filter(message => message === 'request completed').length, 0)
  assert.deepEqual(lines().find(({ event }) => event === 'shedding')?.shed, { 'in-flight': 1 })
  assert.deepEqual(seen, Array.from({ length: 50 }, () => 503))
})

test('nothing stays armed while no request comes', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize, { underPressure: false })
  app.get('/', async () => 'x')
  const target = await listening(app)
  const client = await connect(target)
  for (let i = 0; i < 3; i++) assert.equal((await client.get('/')).status, 200)
  client.close()
  await app.close()
  assert.deepEqual(process.getActiveResourcesInfo().filter(kind => kind === 'Immediate'), [])
})

function place (priority: string): number {
  return PRIORITIES.findIndex(one => one === priority)
}

async function listening (app: FastifyInstance): Promise<{ host: string, port: number }> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { host: '127.0.0.1', port: (app.server.address() as AddressInfo).port }
}

interface Line { readonly level: number, readonly msg: string, readonly event?: string, readonly shed?: unknown }

function recorder (): { lines: () => Line[], logger: NonNullable<Exclude<FastifyServerOptions['logger'], boolean>> } {
  const lines: Line[] = []
  return { lines: () => lines, logger: { level: 'info', stream: { write (line: string) { lines.push(JSON.parse(line) as Line) } } } }
}

function block (ms: number): string {
  for (const until = performance.now() + ms; performance.now() < until;);
  return 'done'
}
