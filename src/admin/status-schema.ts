// The JSON schemas of `GET /status` and of a sample of `GET /history`.
import type { Sample } from './sampler.ts'
import type { ClusterStatus, SlotStatus } from './status.ts'
import { counts, flag, listOf, nullable, number, object, oneOf, text, whole } from './schemas.ts'
import type { Schema } from './schemas.ts'

type Properties<T> = Readonly<Record<keyof T, Schema>>

const workerState = oneOf('booting', 'spare', 'ready', 'draining', 'killing', 'exited')

export const readinessSchema: Schema = object({
  ready: flag,
  reasons: listOf(oneOf('booting', 'stopping', 'crash-loop', 'too-few-workers')),
  workers: whole,
  minReady: whole
})

const lastExit: Schema = object({
  at: number, pid: whole, generation: whole, code: nullable(whole), signal: nullable(text), kind: text, reason: text, expected: flag
})

const slot: Properties<SlotStatus> = {
  id: whole,
  state: oneOf('booting', 'spare', 'ready', 'draining', 'killing', 'exited', 'empty'),
  pid: nullable(whole),
  generation: nullable(whole),
  uptime: nullable(number),
  health: nullable(object({ state: oneOf('unchecked', 'healthy', 'unhealthy'), failures: whole, reason: nullable(text) })),
  utilization: nullable(number),
  loopDelay: nullable(object({ p50: number, p99: number, max: number })),
  memory: nullable(object({ rss: whole, heapUsed: whole, heapLimit: whole })),
  connections: nullable(object({ open: whole, idle: whole })),
  requests: object({ total: whole, inFlight: whole, perSecond: number, responses: counts }),
  shed: object({ total: whole, perSecond: number, byReason: counts }),
  exits: whole,
  lastExit: nullable(lastExit),
  others: listOf(object({ pid: whole, generation: whole, state: workerState, uptime: number, inFlight: whole }))
}

const status: Properties<ClusterStatus> = {
  format: { const: 1 },
  at: number,
  name: text,
  version: text,
  node: text,
  pid: whole,
  startedAt: number,
  phase: oneOf('booting', 'running', 'stopping'),
  readiness: readinessSchema,
  crashLoop: flag,
  scheduling: oneOf('kernel', 'connection', 'request', 'round-robin'),
  addresses: listOf(text),
  admin: listOf(text),
  generation: whole,
  workers: object({ wanted: whole, ready: whole, booting: whole, draining: whole, unhealthy: whole, spare: whole, shedding: whole }),
  restarts: whole,
  reload: nullable(object({ generation: whole, startedAt: number, done: listOf(whole), slots: whole })),
  lastReload: nullable(object({ state: oneOf('done', 'failed'), generation: whole, at: number, duration: number, error: nullable(text) })),
  queue: nullable(object({ waiting: whole, rejectedFull: whole, rejectedTimeout: whole })),
  totals: object({
    requests: whole, responses: counts, shed: whole, shedByReason: counts, inFlight: whole, perSecond: number, shedPerSecond: number,
    connections: object({ open: whole, idle: whole, moved: whole })
  }),
  duration: nullable(object({ p50: number, p90: number, p99: number, count: whole })),
  slots: listOf(object(slot))
}

export const statusSchema: Schema = object(status)

const sample: Properties<Sample> = {
  at: number,
  good: number,
  failed: number,
  shed: number,
  p50: nullable(number),
  p90: nullable(number),
  p99: nullable(number),
  utilization: number,
  busiest: number
}

export const sampleSchema: Schema = object(sample)
