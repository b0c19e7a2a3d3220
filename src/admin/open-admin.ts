// The composition root of the admin server: one app on the Unix socket, and with `port` another, guarded one on TCP.
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { AdminSocketError } from '../errors.ts'
import type { AdminTcp, ResolvedAdmin } from '../options/admin-types.ts'
import type { BoundAddress } from '../protocol.ts'
import { bindAdminSocket } from './bind-socket.ts'
import type { AdminCluster, AdminServer } from './cluster.ts'
import { answerErrors } from './error-answer.ts'
import { addDashboardRoutes } from './dashboard-routes.ts'
import type { PageAccess } from './dashboard-routes.ts'
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
import { createRateMeter } from './rate-meter.ts'
import { addReadRoutes } from './read-routes.ts'
import type { ReadParts } from './read-routes.ts'
import { watchReloads } from './reload-watch.ts'
import { startSampler } from './sampler.ts'
import { createStatusSource } from './status-source.ts'

/** The page may load what this server has and nothing else, and nobody may put it into another page. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff'
}

/**
 * @throws FST_CLUSTERIZE_ADMIN_TAKEN, FST_CLUSTERIZE_ADMIN_SOCKET
 */
export async function openAdmin (cluster: AdminCluster, { name, path, tcp, minReady }: ResolvedAdmin): Promise<AdminServer> {
  const addresses: BoundAddress[] = []
  const ledger = createLedger()
  const times = createRequestTimes()
  const apps = createAppMetrics()
  const meter = createRateMeter()
  cluster.listen({
    reported (reporter, snapshot) {
      ledger.report(reporter, snapshot)
      meter.report(reporter, snapshot)
    },
    measured (reporter, { measured, app }) {
      times.add(measured)
      if (app !== undefined) apps.tell(reporter, app)
    }
  })
  const reloads = watchReloads(cluster.events)
  const source = createStatusSource({ cluster, name, minReady, ledger, reloads, durations: times.percentiles, admin: () => addresses })
  const sampler = startSampler({ cluster, meter, durations: times.percentiles })
  const stream = createEventStream({ log: createEventLog(cluster.events), source, sampler })
  const metrics = createMetricsSource({ cluster, source, ledger, counts: countEvents(cluster.events), times, apps })
  const opened: AdminHttp[] = []
  const close = async (): Promise<void> => {
    stream.close()
    sampler.close()
    await Promise.all(opened.map(http => http.close()))
  }
  const open = async (access: PageAccess, guard: (app: FastifyInstance) => void, listen: (http: AdminHttp) => Promise<BoundAddress>): Promise<void> => {
    const http = createAdminHttp(err => cluster.warn({ event: 'admin-failed', err }, 'the admin server had an error'))
    guard(http.app)
    addRoutes(http.app, cluster, { source, stream, sampler, metrics, access })
    await http.app.ready()
    addresses.push(await listen(http))
    opened.push(http)
  }
  try {
    await open({ orders: 'open', reads: 'open' }, guardSocket, ({ server }) => bindAdminSocket(server, name, path))
    if (tcp !== undefined) await open(accessBy(tcp), app => guardTcp(app, tcp), ({ server }) => listenOnTcp(server, tcp))
  } catch (error) {
    await close()
    throw error
  }
  return { addresses, close }
}

function accessBy ({ token, guardReads }: AdminTcp): PageAccess {
  return { orders: token === undefined ? 'never' : 'token', reads: guardReads ? 'token' : 'open' }
}

function addRoutes (app: FastifyInstance, cluster: AdminCluster, { metrics, access, ...reading }: ReadParts & { metrics: MetricsSource, access: PageAccess }): void {
  answerErrors(app, cluster)
  app.addHook('onSend', async (_request, reply) => { reply.headers(HEADERS) })
  describeRoutes(app)
  addDashboardRoutes(app, access)
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
