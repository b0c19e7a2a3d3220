// A Fastify app whose handlers keep the event loop for some ms, or wait for a downstream with few places, behind one of several ways to shed.
import { setTimeout as sleep } from 'node:timers/promises'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { fastifyClusterize } from '../../../src/plugin/plugin.ts'
import type { Scheduling } from '../../../src/options/types.ts'
import type { SheddingOptions } from '../../../src/options/plugin-types.ts'
import { PRIORITIES } from '../../../src/shedding/priorities.ts'

export const CANDIDATES = ['node:cluster', 'under-pressure', 'clusterize'] as const
export type Candidate = typeof CANDIDATES[number]

export interface AppOptions {
  readonly candidate: Candidate
  readonly workers: number
  readonly backlog: number
  /** In ms. */
  readonly blockFor?: number
  readonly shedding?: SheddingOptions
  /** Of clusterize. */
  readonly scheduling?: Scheduling
  /** Of its queue, in ms. */
  readonly queueTimeout?: number | undefined
}

/** Costs next to nothing: for what comes before the load. */
export const COMPILING = '/trivial'
const BLOCK_MS = 5
/** Places of each worker's downstream: who finds none free waits. */
export const PLACES = 20
const LARGE_BYTES = 256 * 1024
const UNDER_PRESSURE = { maxEventLoopDelay: 1000, maxEventLoopUtilization: 0.98 }

export async function buildApp ({ candidate, blockFor = BLOCK_MS, shedding = {} }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify()
  if (candidate === 'under-pressure') await app.register(underPressure, UNDER_PRESSURE)
  if (candidate === 'clusterize') await app.register(fastifyClusterize, { shedding })
  const block = blocker(blockFor)
  for (const priority of PRIORITIES) {
    app.get(`/${priority}`, { config: { clusterize: { priority } } }, (_request, reply) => {
      block()
      reply.send({ ok: true })
    })
  }
  for (const priority of PRIORITIES) {
    app.get<{ Params: { ms: string } }>(`/${priority}/after/:ms`, { config: { clusterize: { priority } } }, async ({ params }) => {
      await sleep(Number(params.ms))
      block()
      return { ok: true }
    })
  }
  app.get(COMPILING, (_request, reply) => { reply.send({ ok: true }) })
  const large = Buffer.alloc(LARGE_BYTES, 'x')
  app.get('/large', (_request, reply) => { reply.send(large) })
  const downstream = createPlaces(PLACES)
  app.get<{ Params: { ms: string } }>('/downstream/:ms', async ({ params }) => {
    await downstream(() => sleep(Number(params.ms)))
    return { ok: true }
  })
  return app
}

/** Waits without using the CPU, so that many workers and the load fit on few cores. */
function blocker (ms: number): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return () => { Atomics.wait(cell, 0, 0, ms) }
}

function createPlaces (size: number): (use: () => Promise<void>) => Promise<void> {
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
