// Brings one worker up: builds the app, as a spare waits for a slot, listens, and says that it is ready.
import http from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Channel } from '../channel.ts'
import { deferred } from '../deferred.ts'
import type { Deferred } from '../deferred.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { Activity, DrainMode, ServerFacts, ToPrimary } from '../protocol.ts'
import type { WorkerIdentity } from '../worker-info.ts'
import { createAccepting } from './accepting.ts'
import type { Accepting } from './accepting.ts'
import { buildGatedApp } from './build-app.ts'
import type { BuildApp, BuiltApp, PluginSide } from './build-app.ts'
import { flushCompileCache } from './compile-cache.ts'
import type { Drainable } from './drain.ts'
import { createHandoffSide } from './handoff-side.ts'
import type { HandoffSide } from './handoff-side.ts'
import { reportHangs } from './hang-report.ts'
import { startHealthCheck, UNCHECKED } from './health-check.ts'
import { listen } from './listen.ts'
import type { AskForSocket } from './listen.ts'
import { openConnections } from './open-connections.ts'
import type { OpenConnections } from './open-connections.ts'
import { startReports } from './reports.ts'
import type { LastReports } from './reports.ts'
import { isInspected } from './snapshots.ts'

// How long the primary may take to hand a listening socket over, in ms.
const GRANT_TIMEOUT = 10_000
const LISTED_REQUESTS = 20
// A loop that is used this much may soon have more to do than it can.
const BUSY = 0.3

export type Phase = 'building' | 'spare' | 'listening' | 'serving' | 'requests' | 'closing'

/** What there is of a worker so far. */
export interface Running {
  phase: Phase
  drainable: Drainable | undefined
  handoff: HandoffSide | undefined
  /** Undefined where the sockets are not copies of the primary's. */
  accepting: Accepting | undefined
  /** Unless told otherwise siblings stay: after an uncaught error, say. */
  mode: DrainMode
  lastReports: LastReports | undefined
  /** What a spare waits for. */
  readonly slot: Deferred<number>
}

export interface BootParts {
  readonly buildApp: BuildApp
  readonly options: ResolvedOptions
  readonly identity: WorkerIdentity
  readonly plugin: PluginSide
  readonly running: Running
  readonly channel: Channel<ToPrimary>
}

export function nothingYet (): Running {
  return { phase: 'building', drainable: undefined, handoff: undefined, accepting: undefined, mode: 'retire', lastReports: undefined, slot: deferred() }
}

export async function boot (parts: BootParts): Promise<FastifyInstance> {
  const { buildApp, options, identity, plugin, running, channel } = parts
  const isSpare = identity.info.id === 0
  const built = await buildGatedApp(buildApp, identity.info, options.plugin, plugin)
  const { app, gate } = built
  const connections = openConnections(app.server)
  running.drainable = { app, gate, connections, extraServers: [] }
  if (isSpare) await waitForSlot(parts, built, connections)
  running.phase = 'listening'
  const ask: AskForSocket = index => channel.ask({ type: 'listen', index }, { timeout: GRANT_TIMEOUT })
  const { addresses, extraServers, sockets } = await listen(app, options.listen, ask)
  running.drainable = { app, gate, connections, extraServers }
  if (sockets === 'held') running.accepting = createAccepting([app.server, ...extraServers], ask, options.listen.backlog)
  running.handoff = await createHandoffSide(app.server, connections, channel, options)
  running.phase = 'serving'
  if (!isSpare) report(parts, built, connections)
  await channel.post({ type: 'ready', addresses, server: factsOf(app.server, running.handoff.giver !== undefined), inspected: isInspected() })
  if (!isSpare) settle(parts)
  return app
}

/** With everything done that does not need a slot: the app's plugins are loaded and its onReady hooks have run. */
async function waitForSlot (parts: BootParts, built: BuiltApp, connections: OpenConnections): Promise<void> {
  const { identity, running, channel } = parts
  await built.app.ready()
  running.phase = 'spare'
  // A spare that hangs is of no use, so it reports too.
  report(parts, built, connections)
  await channel.post({ type: 'spare' })
  settle(parts)
  identity.takeSlot(await running.slot.promise)
}

function report ({ options, identity, running, channel }: BootParts, { app, gate }: BuiltApp, connections: OpenConnections): void {
  const { healthCheck } = options
  const health = healthCheck === undefined ? () => UNCHECKED : startHealthCheck(app, healthCheck, identity.info.draining)
  running.lastReports = startReports({ gate, connections }, options, health, channel, ({ utilization }) => { if (utilization > BUSY) running.accepting?.prepare() })
}

/** What can wait until the primary knows that the worker is up. */
function settle ({ options: { hangReport, hangTimeout, snapshotInterval }, running }: BootParts): void {
  flushCompileCache()
  if (hangReport && hangTimeout !== false) reportHangs(hangTimeout, snapshotInterval, () => activityOf(running))
}

function factsOf (server: unknown, movable: boolean): ServerFacts {
  if (!(server instanceof http.Server)) return { plainHttp1: false, movable, keepAliveTimeout: 0, headersTimeout: 0 }
  const { keepAliveTimeout, headersTimeout } = server
  return { plainHttp1: true, movable, keepAliveTimeout, headersTimeout }
}

/** What it is doing at this moment. */
export function activityOf ({ phase, drainable }: Running): Activity {
  return {
    phase,
    connections: drainable?.connections.count() ?? 0,
    requests: drainable?.gate.list(LISTED_REQUESTS) ?? []
  }
}
