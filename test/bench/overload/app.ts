// A Fastify app whose handlers keep the event loop for some ms, behind one of several ways to shed.
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { fastifyClusterize } from '../../../src/plugin/plugin.ts'
import { PRIORITIES } from '../../../src/shedding/priorities.ts'

export const SHEDDING = ['none', 'under-pressure', 'shedder'] as const
export type Shedding = typeof SHEDDING[number]

export interface AppOptions {
  readonly shedding: Shedding
  /** In ms. */
  readonly blockFor?: number
  readonly maxQueueDelay?: number
}

const BLOCK_MS = 5
const UNDER_PRESSURE = { maxEventLoopDelay: 1000, maxEventLoopUtilization: 0.98 }

export async function buildApp ({ shedding, blockFor = BLOCK_MS, ...options }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify()
  if (shedding === 'under-pressure') await app.register(underPressure, UNDER_PRESSURE)
  if (shedding === 'shedder') await app.register(fastifyClusterize, { shedding: options })
  const block = blocker(blockFor)
  for (const priority of PRIORITIES) {
    app.get(`/${priority}`, { config: { clusterize: { priority } } }, (_request, reply) => {
      block()
      reply.send({ ok: true })
    })
  }
  return app
}

/** Waits without using the CPU, so that many workers and the load fit on few cores. */
function blocker (ms: number): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return () => { Atomics.wait(cell, 0, 0, ms) }
}
