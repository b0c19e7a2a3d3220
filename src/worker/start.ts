// The composition root of a worker: build the app, listen, say so, and drain when told or when the primary is gone.
import cluster from 'node:cluster'
import http from 'node:http'
import type { FastifyInstance } from 'fastify'
import { createChannel } from '../channel.ts'
import type { Answer, Channel } from '../channel.ts'
import { serializeError } from '../errors.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { Activity, DrainMode, ServerFacts, ToPrimary, ToWorker } from '../protocol.ts'
import { setProcessIdentity } from '../worker-info.ts'
import type { WorkerIdentity, WorkerInfo } from '../worker-info.ts'
import { createAccepting } from './accepting.ts'
import type { Accepting } from './accepting.ts'
import { buildGatedApp } from './build-app.ts'
import type { BuildApp, PluginSide } from './build-app.ts'
import { flushCompileCache } from './compile-cache.ts'
import { drain } from './drain.ts'
import type { Drainable } from './drain.ts'
import { createEnding } from './ending.ts'
import type { Ending } from './ending.ts'
import { reportHangs } from './hang-report.ts'
import { startHealthCheck, UNCHECKED } from './health-check.ts'
import { createHandoffSide } from './handoff-side.ts'
import type { HandoffSide } from './handoff-side.ts'
import { listen } from './listen.ts'
import type { AskForSocket } from './listen.ts'
import { openConnections } from './open-connections.ts'
import { isInspected, startSnapshots } from './snapshots.ts'
import { leaveSignalsToPrimary, outliveThePrimary } from './process-guards.ts'

const LISTED_REQUESTS = 20
// How long the primary may take to hand a listening socket over, in ms.
const GRANT_TIMEOUT = 10_000
// How long a dying worker waits for the primary to have read its last words, in ms.
const LAST_WORDS = 2_000

type Phase = 'building' | 'listening' | 'serving' | 'requests' | 'closing'

/** What clusterize() resolves to in a worker. */
export interface WorkerResult {
  readonly role: 'worker'
  readonly app: FastifyInstance
  readonly worker: WorkerInfo
}

/** Resolves once the app listens. Where the app cannot come up the primary is told why, and the process ends. */
export async function startWorker (buildApp: BuildApp, options: ResolvedOptions, identity: WorkerIdentity, plugin: PluginSide): Promise<WorkerResult> {
  setProcessIdentity(identity)
  const running: Running = { phase: 'building', drainable: undefined, handoff: undefined, accepting: undefined, mode: 'retire' }
  const channel: Channel<ToPrimary> = createChannel<ToPrimary, ToWorker>(process as Parameters<typeof createChannel>[0], receive)
  const ending = createEnding(
    (timeout: number) => finish(running, timeout, options.idleGrace, channel),
    (error: unknown) => reportCrash(error, running, channel)
  )
  ending.onUncaught(options.errorDrainTimeout)
  leaveSignalsToPrimary(signal => channel.post({ type: 'signal', signal }))
  outliveThePrimary(cluster.worker, () => {
    // Its siblings end too, so nobody is left to take connections.
    running.mode = 'stop'
    ending.begin(options.drainTimeout)
  })

  function receive (message: ToWorker, handle: unknown): Answer | void {
    switch (message.type) {
      case 'drain':
        running.mode = message.mode
        return ending.begin(message.timeout)
      case 'accept': return setAccepting(running, message.on)
      case 'log-level': return setLogLevel(running, message.level)
      case 'announce-end': return running.drainable?.gate.startDraining('every-connection')
      case 'rebalance':
      case 'handoff-held':
      case 'request-take':
      case 'handoff-take': return running.handoff?.receive(message, handle)
      case 'activity': return { body: activityOf(running) }
      default: return message satisfies never
    }
  }

  void channel.post({ type: 'booting' })
  const app = await boot(buildApp, options, identity.info, plugin, running, channel).catch(error => bootFailed(error, channel, ending))
  return { role: 'worker', app, worker: identity.info }
}

interface Running {
  phase: Phase
  drainable: Drainable | undefined
  handoff: HandoffSide | undefined
  /** Undefined where the sockets are not copies of the primary's. */
  accepting: Accepting | undefined
  /** Unless told otherwise siblings stay: after an uncaught error, say. */
  mode: DrainMode
}

async function boot (buildApp: BuildApp, options: ResolvedOptions, info: WorkerInfo, plugin: PluginSide, running: Running, channel: Channel<ToPrimary>): Promise<FastifyInstance> {
  const { app, gate } = await buildGatedApp(buildApp, info, options.plugin, plugin)
  const connections = openConnections(app.server)
  running.phase = 'listening'
  running.drainable = { app, gate, connections, extraServers: [] }
  const ask: AskForSocket = index => channel.ask({ type: 'listen', index }, { timeout: GRANT_TIMEOUT })
  const { addresses, extraServers, sockets } = await listen(app, options.listen, ask)
  running.drainable = { app, gate, connections, extraServers }
  if (sockets === 'held') running.accepting = createAccepting([app.server, ...extraServers], ask, options.listen.backlog)
  running.handoff = await createHandoffSide(app.server, connections, channel, options)
  running.phase = 'serving'
  const health = options.healthCheck === undefined ? () => UNCHECKED : startHealthCheck(app, options.healthCheck, info.draining)
  startSnapshots(gate, connections, options.snapshotInterval, health, snapshot => { void channel.post({ type: 'snapshot', snapshot }) })
  await channel.post({ type: 'ready', addresses, handsOff: running.handoff.giver !== undefined, server: factsOf(app.server), inspected: isInspected() })
  flushCompileCache()
  if (options.hangReport && options.hangTimeout !== false) reportHangs(options.hangTimeout, options.snapshotInterval, () => activityOf(running))
  return app
}

function factsOf (server: unknown): ServerFacts {
  if (!(server instanceof http.Server)) return { plainHttp1: false, keepAliveTimeout: 0, headersTimeout: 0 }
  const { keepAliveTimeout, headersTimeout } = server
  return { plainHttp1: true, keepAliveTimeout, headersTimeout }
}

/** The primary reports it to the user, so the process ends without a word of its own. */
async function bootFailed (error: unknown, channel: Channel<ToPrimary>, ending: Ending): Promise<never> {
  await channel.ask({ type: 'boot-failed', error: serializeError(error) }, { timeout: LAST_WORDS }).catch(() => {})
  return ending.exit(1)
}

async function reportCrash (error: unknown, { drainable }: Running, channel: Channel<ToPrimary>): Promise<void> {
  drainable?.app.log.fatal({ err: error }, 'uncaught error: this worker drains and is replaced')
  await channel.ask({ type: 'crashed', error: serializeError(error) }, { timeout: LAST_WORDS }).catch(() => {})
}

async function finish (running: Running, timeout: number, idleGrace: number, channel: Channel<ToPrimary>): Promise<void> {
  // Still booting: nobody is connected, so there is nothing to wait for.
  if (running.drainable === undefined) return
  running.accepting?.end()
  const giver = running.mode === 'stop' ? undefined : running.handoff?.giver
  await drain(running.drainable, {
    timeout,
    idleGrace,
    giver,
    onHandedOver: () => { void channel.post({ type: 'handed-over' }) },
    onPhase: phase => { running.phase = phase }
  })
}

/** A worker that rests keeps no idle connections either: their next requests are for one that is fit. */
function setAccepting ({ accepting, handoff }: Running, on: boolean): void {
  accepting?.set(on)
  if (!on) void handoff?.giver?.give()
}

/** Request loggers take it over from the app's; those of routes and plugins with a level of their own keep it. */
function setLogLevel ({ drainable }: Running, level: string): void {
  if (drainable !== undefined) drainable.app.log.level = level
}

function activityOf ({ phase, drainable }: Running): Activity {
  return {
    phase,
    connections: drainable?.connections.count() ?? 0,
    requests: drainable?.gate.list(LISTED_REQUESTS) ?? []
  }
}
