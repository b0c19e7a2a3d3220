// A cluster for the tests of connections: options from the environment, orders from the test, one JSON line for each thing that happens.
import net from 'node:net'
import { PassThrough } from 'node:stream'
import fs, { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { clusterize, fastifyClusterize } from '../../src/index.ts'
import type { BalancerOption, ClusterizeOptions, WorkerInfo } from '../../src/index.ts'
import { patient } from '../fixtures/patient.ts'
import { setup } from './setup.ts'
import type { Order } from './setup.ts'

/** More than the kernel sends ahead. */
const LARGE = 64e6
const { options, server, faulty, gate, version, mayNotRemove, unmovable } = setup()
if (unmovable === true) breakFeatureTest()

async function buildApp (worker: WorkerInfo): Promise<FastifyInstance> {
  if (gate !== undefined && gate.slots.includes(worker.id)) await fileExists(gate.file)
  if (mayNotRemove !== undefined) removeNothing(mayNotRemove)
  const code = version === undefined ? 'v1' : readFileSync(version, 'utf8').trim()
  if (code === 'broken') throw new Error('the new code is broken')
  const app = await create(code)
  await app.register(fastifyClusterize, { headers: { pid: true, generation: true }, underPressure: false, shedding: false })
  await app.register((await import('@fastify/websocket')).default)
  addRoutes(app, code)
  app.addHook('onListen', async () => { say('listened', { slot: worker.id, address: app.server.address(), addresses: app.addresses() }) })
  if (code === 'dies') setTimeout(() => { process.exit(7) }, 50)
  return app
}

/** The types of the servers differ, what the tests do with them does not. */
async function create (code: string): Promise<FastifyInstance> {
  const { default: Fastify } = await import('fastify')
  const timeouts = { keepAliveTimeout: code === 'brief' ? 200 : 30_000, http: { headersTimeout: 1_000, connectionsCheckingInterval: 100 }, logger: { level: 'warn' } } as const
  if (server.kind === 'http') return Fastify({ ...timeouts, connectionTimeout: server.connectionTimeout ?? 0 })
  const tls = { key: server.key ?? '', cert: server.cert ?? '' }
  if (server.kind === 'https') return Fastify({ https: tls, logger: { level: 'warn' } }) as unknown as FastifyInstance
  if (server.kind === 'h2') return Fastify({ http2: true, https: { ...tls, allowHTTP1: true }, logger: { level: 'warn' } }) as unknown as FastifyInstance
  return Fastify({ http2: true, logger: { level: 'warn' } }) as unknown as FastifyInstance
}

function addRoutes (app: FastifyInstance, code: string): void {
  app.get('/', async ({ ip, socket }) => ({ pid: process.pid, code, ip, remotePort: socket.remotePort }))
  app.get<{ Params: { ms: string } }>('/stream/:ms', async ({ params }, reply) => {
    const text = new PassThrough()
    text.write('begun, ')
    setTimeout(() => text.end('done'), Number(params.ms))
    return reply.header('content-length', 'begun, done'.length).send(text)
  })
  app.get<{ Params: { ms: string } }>('/wait/:ms', async ({ params }) => {
    await sleep(Number(params.ms))
    return { pid: process.pid, code }
  })
  app.get('/large', (_request, reply) => {
    reply.raw.once('close', () => { say('large-closed', {}) })
    void reply.send(Buffer.alloc(LARGE))
  })
  app.get<{ Params: { ms: string }, Querystring: { id?: string } }>('/block/:ms', async ({ params, query }) => {
    say('blocking', { id: query.id })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(params.ms))
    return { pid: process.pid }
  })
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  app.post<{ Body: Buffer }>('/echo', { bodyLimit: 20e6 }, async ({ body }) => ({ pid: process.pid, bytes: body.length }))
  app.get('/ws', { websocket: true }, socket => {
    socket.on('message', (message: Buffer) => { socket.send(`${process.pid}:${message.toString()}`) })
  })
}

/** A balancer cannot come through the environment, so a faulty one is named there. */
const balancer: { balancer?: BalancerOption } = faulty === undefined
  ? {}
  : { balancer: faulty === 'throws' ? () => { throw new Error('faulty on purpose') } : () => 4711 }

const where = options.path === undefined ? { port: 0, host: '127.0.0.1' } : {}
const started: ClusterizeOptions = { ...where, logger: { level: 'debug', base: {} }, ...patient(options), ...balancer }
const cluster = await clusterize(buildApp, started)

if (cluster.role === 'primary') {
  say('up', { addresses: cluster.addresses })
  process.on('message', (order: Order) => {
    if (order.type === 'reload') void cluster.reload().then(report => say('reloaded', { report }), error => say('reload-rejected', { code: error.code, cause: error.cause?.message }))
    if (order.type === 'workers') say('workers', { workers: cluster.workers() })
    if (order.type === 'stats') say('stats', { stats: cluster.stats() })
  })
}

/** As for a worker that has become another user. */
function removeNothing (code: string): void {
  fs.unlinkSync = () => { throw Object.assign(new Error(`${code} on purpose`), { code }) }
  syncBuiltinESMExports()
}

/** Only the feature test listens for itself alone. */
function breakFeatureTest (): void {
  const listen = Reflect.get(net.Server.prototype, 'listen') as (...args: unknown[]) => net.Server
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    const [where] = args
    if (typeof where === 'object' && where !== null && 'exclusive' in where && where.exclusive === true) throw new Error('broken on purpose')
    return Reflect.apply(listen, this, args)
  }
}

function say (event: string, fields: object): void {
  console.log(JSON.stringify({ event, ...fields }))
}

async function fileExists (file: string): Promise<void> {
  for (;;) {
    try {
      readFileSync(file)
      return
    } catch {
      await sleep(10)
    }
  }
}
