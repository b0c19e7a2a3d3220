// A cluster for the tests of overload: handlers that block, priorities, and one worker that a test makes slow.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { clusterize, fastifyClusterize } from '../../src/index.ts'
import { VARIABLE } from './setup.ts'
import type { Setup } from './setup.ts'

const PRIORITIES = ['critical', 'normal', 'sheddable'] as const

const { options, shedding, file } = JSON.parse(process.env[VARIABLE] ?? '') as Setup
/** Connections to the downstream; who finds none free waits. */
const POOL_SIZE = 10
/** As for a database. */
const WAIT_MS = 20
/** In place of ms: this process sheds everything. */
const SICK = -1
const cell = new Int32Array(new SharedArrayBuffer(4))

async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: 'warn' } })
  await app.register(fastifyClusterize, { shedding, underPressure: { healthCheck: async () => slowness() !== SICK, healthCheckInterval: 20 } })
  for (const priority of PRIORITIES) {
    app.get(`/${priority}`, { config: { clusterize: { priority } } }, async () => {
      Atomics.wait(cell, 0, 0, slowness())
      return { pid: process.pid }
    })
    app.get(`/${priority}/after-a-wait`, { config: { clusterize: { priority } } }, async () => {
      await sleep(WAIT_MS)
      Atomics.wait(cell, 0, 0, slowness())
      return { pid: process.pid }
    })
  }
  const pool = createPool(POOL_SIZE)
  app.get('/downstream', async () => {
    await pool(() => sleep(slowness()))
    return { pid: process.pid }
  })
  app.get('/livez', async () => ({ pid: process.pid }))
  return app
}

function createPool (size: number): (use: () => Promise<void>) => Promise<void> {
  const waiting: Array<() => void> = []
  let free = size
  return async use => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    await use()
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

function slowness (): number {
  if (!existsSync(file)) return 0
  const byProcess = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  return byProcess[process.pid] ?? byProcess['all'] ?? 0
}

const cluster = await clusterize(buildApp, { port: 0, host: '127.0.0.1', logger: { level: 'debug', base: {} }, ...options })

if (cluster.role === 'primary') {
  say('up', { addresses: cluster.addresses })
  process.on('message', ({ id }: { id: number }) => say('told', { id, workers: cluster.workers(), stats: cluster.stats() }))
}

function say (event: string, fields: object): void {
  console.log(JSON.stringify({ event, ...fields }))
}
