// The cluster that chaos is made in: checksummed bodies, a journal of who began which request, and every way to go wrong.
import cluster from 'node:cluster'
import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { clusterize, fastifyClusterize } from '../../src/index.ts'
import type { ClusterizeOptions } from '../../src/index.ts'
import { patient } from '../fixtures/patient.ts'
import { print } from '../fixtures/print.ts'

export interface ChaosSetup {
  readonly options: ClusterizeOptions
  /** Holds the journals, one file a worker. */
  readonly folder: string
  /** While this file exists no worker boots. */
  readonly obstacle: string
}

const { options, folder, obstacle } = JSON.parse(process.env['CHAOS'] ?? '') as ChaosSetup
const LEAK = 8 * 1024 * 1024
const leaked: Buffer[] = []

async function buildApp (): Promise<FastifyInstance> {
  if (existsSync(obstacle)) throw new Error('cannot boot on purpose')
  const app = Fastify({ logger: { level: 'fatal' } })
  await app.register(fastifyClusterize, { underPressure: false, shedding: false })
  const journal = path.join(folder, String(process.pid))
  app.addHook('onRequest', async ({ headers }) => { appendFileSync(journal, `${String(headers['x-request'])}\n`) })
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
  app.post<{ Body: Buffer }>('/sum', { bodyLimit: 1e7 }, async ({ body }, reply) => {
    const answer = randomBytes(1 + Math.floor(Math.random() * 20_000)).toString('base64')
    return reply.send({ sum: sumOf(body), answer, answerSum: sumOf(answer) })
  })
  app.get('/block', async () => { for (;;) Math.random() })
  app.get('/exit', async () => process.exit(3))
  app.get('/throw', async () => { setImmediate(() => { throw new Error('thrown on purpose') }) })
  app.get('/leak', async () => { leaked.push(Buffer.alloc(LEAK, 1)) })
  app.get('/die-on-acknowledgement', async () => dieOnAcknowledgement())
  return app
}

function sumOf (data: string | Buffer): string {
  return createHash('sha1').update(data).digest('hex')
}

/** The next time this worker would acknowledge a connection it dies instead: the connection is in nobody's hands. */
function dieOnAcknowledgement (): void {
  process.prependListener('internalMessage' as 'message', (message: unknown) => {
    if (/"type":"(handoff|request)-take"/.test(JSON.stringify(message))) process.kill(process.pid, 'SIGKILL')
  })
}

const result = await clusterize(buildApp, patient(options))

if (result.role === 'primary') {
  print({ event: 'up', addresses: result.addresses })
  process.on('message', (order: { type: 'reload' | 'state' } | { type: 'scale', size: number }) => {
    if (order.type === 'reload') void result.reload().catch(() => {})
    if (order.type === 'scale') void result.scale(order.size).catch(() => {})
    if (order.type === 'state') print({ event: 'state', workers: result.workers().map(({ id, pid, generation, state }) => ({ id, pid, generation, state })), generation: result.stats().generation, ...sizes() })
  })
}

function sizes (): { fds: number, timers: number, heap: number, children: number } {
  globalThis.gc?.()
  return {
    fds: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    timers: process.getActiveResourcesInfo().filter(name => name === 'Timeout').length,
    heap: process.memoryUsage().heapUsed,
    children: Object.keys(cluster.workers ?? {}).length
  }
}
