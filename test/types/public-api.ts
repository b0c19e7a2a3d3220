// The types of the public API, checked against src by the type check and against dist by the package test.
import type { EventEmitter } from 'node:events'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fastifyClusterize, { clusterize, fastifyClusterize as named } from 'fastify-clusterize'
import type {
  BoundAddress, BuildApp, ClusterEvents, ClusterizeOptions, ClusterizeResult, FastifyClusterizeOptions, HistoryEntry, InProcessResult,
  PrimaryResult, SlotStats, WorkerExitEvent, WorkerInfo, WorkerReadyEvent, WorkerResult, WorkerView
} from 'fastify-clusterize'
import { expectType } from './expect-type.ts'

export async function plugin (): Promise<FastifyInstance> {
  expectType<FastifyPluginAsync<FastifyClusterizeOptions>>()(fastifyClusterize)
  expectType<typeof fastifyClusterize>()(named)

  const app = Fastify()
  await app.register(fastifyClusterize)
  await app.register(fastifyClusterize, { headers: { id: 'x-slot', pid: true, generation: false }, underPressure: { retryAfter: 1 } })
  await app.register(fastifyClusterize, { headers: false, underPressure: false })
  await app.register(fastifyClusterize, { shedding: false })
  await app.register(fastifyClusterize, { shedding: { maxQueueDelay: 50, maxInFlight: 'adaptive', reasonHeader: true, healthRoutes: ['/up'], classify: ({ headers }) => headers['x-tenant'] === 'gold' ? 'critical' : undefined } })
  app.get('/pay', { config: { clusterize: { priority: 'critical', shed: false } } }, async () => 'paid')
  // @ts-expect-error no such priority
  app.get('/urgent', { config: { clusterize: { priority: 'urgent' } } }, async () => 'x')
  // @ts-expect-error a limit is a number
  await app.register(fastifyClusterize, { shedding: { maxInFlight: '10' } })
  // @ts-expect-error no such option
  await app.register(fastifyClusterize, { header: false })
  // @ts-expect-error a header's name is no number
  await app.register(fastifyClusterize, { headers: { id: 1 } })

  expectType<WorkerInfo>()(app.worker)
  expectType<number>()(app.worker.id)
  expectType<number>()(app.worker.pid)
  expectType<number>()(app.worker.generation)
  expectType<boolean>()(app.worker.isClustered)
  expectType<Date>()(app.worker.startedAt)
  expectType<AbortSignal>()(app.worker.draining)
  // @ts-expect-error the identity is read-only
  app.worker.id = 2
  return app
}

export async function results (): Promise<void> {
  const result = await clusterize(async () => Fastify(), { port: 3000 })
  expectType<ClusterizeResult>()(result)
  if (result.role === 'primary') {
    expectType<PrimaryResult>()(result)
    expectType<readonly BoundAddress[]>()(result.addresses)
    expectType<readonly WorkerView[]>()(result.workers())
    expectType<Promise<void>>()(result.close())
    expectType<Promise<number>>()(result.scale(2))
    expectType<readonly HistoryEntry[]>()(result.history(1))
    expectType<readonly SlotStats[]>()(result.stats().slots)
    expectType<EventEmitter<ClusterEvents>>()(result.events)
    result.events.on('worker-ready', (event) => { expectType<WorkerReadyEvent>()(event) })
    result.events.on('worker-exit', (event) => {
      expectType<WorkerExitEvent>()(event)
      expectType<NodeJS.Signals | null>()(event.signal)
    })
    // @ts-expect-error only workers have an app
    void result.app
    return
  }
  expectType<WorkerResult | InProcessResult>()(result)
  expectType<FastifyInstance>()(result.app)
  expectType<WorkerInfo>()(result.worker)
  // @ts-expect-error a worker does not know the others
  void result.workers
}

export async function calls (): Promise<void> {
  await clusterize(plugin)
  await clusterize(() => Fastify(), {})
  await clusterize((worker) => {
    expectType<WorkerInfo>()(worker)
    return Fastify({ logger: true })
  })
  // @ts-expect-error buildApp builds an app
  await clusterize(async () => ({ listen: 3000 }))
  // @ts-expect-error the app itself is not a function that builds it
  await clusterize(Fastify())
  // @ts-expect-error there is no cluster without an app
  await clusterize()
}

export const options: ClusterizeOptions[] = [
  {},
  { port: 0, host: '::', backlog: 511, ipv6Only: true, signal: AbortSignal.timeout(1) },
  { path: '/tmp/app.sock', readableAll: true, writableAll: true },
  { workers: 4, scheduling: 'round-robin', logger: false },
  { workers: 'auto', scheduling: 'kernel', logger: { level: 'warn' } },
  { bootTimeout: 1, drainTimeout: 1, idleGrace: 1, errorDrainTimeout: 1, restart: { delay: 1, maxDelay: 1, resetAfter: 1 } },
  { plugin: { headers: { id: true } }, compileCache: false },
  // @ts-expect-error no such scheduling
  { scheduling: 'random' },
  // @ts-expect-error a count or 'auto'
  { workers: 'max' },
  // @ts-expect-error no such option
  { worker: 4 },
  // @ts-expect-error the cluster decides who shares a socket
  { exclusive: true }
]

export const buildApp: BuildApp = plugin
