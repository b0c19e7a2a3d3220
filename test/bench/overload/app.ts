// A Fastify app whose handlers keep the event loop for some ms, behind one of several ways to shed.
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { createShedder } from '../../../src/shedding/shedder.ts'
import type { Shedder } from '../../../src/shedding/shedder.ts'
import { PRIORITIES } from '../../../src/shedding/priorities.ts'
import type { Priority } from '../../../src/shedding/priorities.ts'

export const SHEDDING = ['none', 'under-pressure', 'shedder'] as const
export type Shedding = typeof SHEDDING[number]

export interface AppOptions {
  readonly shedding: Shedding
  /** In ms. */
  readonly blockFor?: number
  readonly maxQueueDelay?: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    benchPriority?: Priority
  }
}

const BLOCK_MS = 5
const PAYLOAD = '{"statusCode":503,"code":"FST_CLUSTERIZE_SHED","error":"Service Unavailable","message":"The server has more to do than it can"}'
const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(PAYLOAD)) }
const UNDER_PRESSURE = { maxEventLoopDelay: 1000, maxEventLoopUtilization: 0.98 }

export async function buildApp ({ shedding, blockFor = BLOCK_MS, ...options }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify()
  if (shedding === 'under-pressure') await app.register(underPressure, UNDER_PRESSURE)
  if (shedding === 'shedder') shedWith(app, createShedder(options))
  const block = blocker(blockFor)
  for (const priority of PRIORITIES) {
    app.get(`/${priority}`, { config: { benchPriority: priority } }, (_request, reply) => {
      block()
      reply.send({ ok: true })
    })
  }
  return app
}

function shedWith (app: FastifyInstance, shedder: Shedder): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (shedder.admit(request.routeOptions.config.benchPriority ?? 'normal') !== undefined) {
      reply.code(503).headers(HEADERS).header('retry-after', shedder.retryAfter()).send(PAYLOAD)
      return
    }
    const admitted = performance.now()
    reply.raw.once('close', () => shedder.finished(performance.now() - admitted))
    done()
  })
}

/** Waits without using the CPU, so that many workers and the load fit on few cores. */
function blocker (ms: number): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return () => { Atomics.wait(cell, 0, 0, ms) }
}
