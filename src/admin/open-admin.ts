// The composition root of the admin server: one app on the Unix socket, and with `port` another, guarded one on TCP.
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { AdminSocketError } from '../errors.ts'
import type { AdminTcp, ResolvedAdmin } from '../options/admin-types.ts'
import type { BoundAddress } from '../protocol.ts'
import { bindAdminSocket } from './bind-socket.ts'
import type { AdminCluster, AdminServer } from './cluster.ts'
import { answerErrors } from './error-answer.ts'
import { createEventLog } from './event-log.ts'
import { createEventStream } from './event-stream.ts'
import { guardSocket, guardTcp } from './guard.ts'
import { createAdminHttp } from './http-server.ts'
import type { AdminHttp } from './http-server.ts'
import { createLedger } from './ledger.ts'
import { addMetricsRoute } from './metrics-route.ts'
import { createAppMetrics } from './metrics/app-metrics.ts'
import { countEvents } from './metrics/event-counts.ts'
import { createMetricsSource } from './metrics/metrics-source.ts'
import type { MetricsSource } from './metrics/metrics-source.ts'
import { createRequestTimes } from './metrics/request-times.ts'
import { describeRoutes } from './openapi.ts'
import { addOrderRoutes } from './order-routes.ts'
import { addReadRoutes } from './read-routes.ts'
import type { ReadParts } from './read-routes.ts'
import { watchReloads } from './reload-watch.ts'
import { createStatusSource } from './status-source.ts'

/**
 * @throws FST_CLUSTERIZE_ADMIN_TAKEN, FST_CLUSTERIZE_ADMIN_SOCKET
 */
export async function openAdmin (cluster: AdminCluster, { name, path, tcp, minReady }: ResolvedAdmin): Promise<AdminServer> {
  const addresses: BoundAddress[] = []
  const ledger = createLedger()
  const times = createRequestTimes()
  const apps = createAppMetrics()
  cluster.listen({
    reported: ledger.report,
    measured (reporter, { measured, app }) {
      times.add(measured)
      if (app !== undefined) apps.tell(reporter, app)
    }
  })
  const reloads = watchReloads(cluster.events)
  const source = createStatusSource({ cluster, name, minReady, ledger, reloads, durations: times.percentiles, admin: () => addresses })
  const stream = createEventStream(createEventLog(cluster.events), source)
  const metrics = createMetricsSource({ cluster, source, ledger, counts: countEvents(cluster.events), times, apps })
  const opened: AdminHttp[] = []
  const close = async (): Promise<void> => {
    stream.close()
    await Promise.all(opened.map(http => http.close()))
  }
  const open = async (guard: (app: FastifyInstance) => void, listen: (http: AdminHttp) => Promise<BoundAddress>): Promise<void> => {
    const http = createAdminHttp()
    guard(http.app)
    addRoutes(http.app, cluster, { source, stream, metrics })
    await http.app.ready()
    addresses.push(await listen(http))
    opened.push(http)
  }
  try {
    await open(guardSocket, ({ server }) => bindAdminSocket(server, name, path))
    if (tcp !== undefined) await open(app => guardTcp(app, tcp), ({ server }) => listenOnTcp(server, tcp))
  } catch (error) {
    await close()
    throw error
  }
  return { addresses, close }
}

function addRoutes (app: FastifyInstance, cluster: AdminCluster, { metrics, ...reading }: ReadParts & { metrics: MetricsSource }): void {
  answerErrors(app, cluster)
  app.addHook('onSend', async (_request, reply) => { reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff') })
  describeRoutes(app)
  addReadRoutes(app, reading)
  addMetricsRoute(app, metrics)
  addOrderRoutes(app, cluster)
}

async function listenOnTcp (server: AdminHttp['server'], { host, port }: AdminTcp): Promise<BoundAddress> {
  try {
    await once(server.listen({ host, port }), 'listening')
  } catch (cause) {
    throw new AdminSocketError(`${host}:${port}`, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  return server.address() ?? `${host}:${port}`
}
