// `workers: 0`: the app runs in this very process, with the plugin and the shutdown it has in a cluster.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Answer } from '../channel.ts'
import { BootFailedError, BootTimeoutError } from '../errors.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress, ListenGrant } from '../protocol.ts'
import { listenToSignals } from '../stop-signals.ts'
import { whenAborted } from '../when-aborted.ts'
import { createWorkerIdentity, setProcessIdentity } from '../worker-info.ts'
import type { WorkerIdentity, WorkerInfo } from '../worker-info.ts'
import { buildGatedApp } from './build-app.ts'
import type { BuildApp, PluginSide } from './build-app.ts'
import { drain } from './drain.ts'
import type { Drainable } from './drain.ts'
import { createEnding } from './ending.ts'
import { listen } from './listen.ts'
import { openConnections } from './open-connections.ts'

/** What clusterize() resolves to with `workers: 0`. */
export interface InProcessResult {
  readonly role: 'worker'
  readonly app: FastifyInstance
  readonly worker: WorkerInfo
  readonly addresses: readonly BoundAddress[]
  /** Drains the app as a worker drains, and closes it. The process goes on. */
  readonly close: () => Promise<void>
}

/** The sockets of this process, as the primary would grant them. */
export interface LocalSockets { grant: (index: number) => Answer, close: () => void }

interface Booted { readonly drainable: Drainable, readonly addresses: BoundAddress[] }

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with what went wrong as cause
 */
export async function startInProcess (buildApp: BuildApp, options: ResolvedOptions, plugin: PluginSide, sockets: LocalSockets, onEnd: () => void): Promise<InProcessResult> {
  const identity = createWorkerIdentity({ id: 1, generation: 1, isClustered: false })
  setProcessIdentity(identity)
  try {
    const { drainable, addresses } = await inTime(boot(buildApp, options, identity, plugin, sockets), options.bootTimeout)
    const release = [sockets.close, () => setProcessIdentity(undefined), onEnd]
    const close = closeOnce(drainable, options, release)
    release.push(...endByItself(drainable, options, close))
    whenAborted(options.signal, () => { close().catch(() => {}) })
    return { role: 'worker', app: drainable.app, worker: identity.info, addresses, close }
  } catch (cause) {
    setProcessIdentity(undefined)
    sockets.close()
    throw new BootFailedError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** An app that is late cannot be interrupted, so it is closed once it is there. */
async function inTime (booting: Promise<Booted>, bootTimeout: number): Promise<Booted> {
  const over = new AbortController()
  const late = sleep(bootTimeout, undefined, { signal: over.signal }).then(() => {
    void booting.then(({ drainable }) => drainable.app.close()).catch(() => {})
    throw new BootTimeoutError(1, bootTimeout)
  })
  late.catch(() => {})
  return Promise.race([booting, late]).finally(() => over.abort())
}

async function boot (buildApp: BuildApp, options: ResolvedOptions, { info }: WorkerIdentity, plugin: PluginSide, sockets: LocalSockets): Promise<Booted> {
  const { app, gate } = await buildGatedApp(buildApp, info, options.plugin, plugin)
  const connections = openConnections(app.server)
  const { addresses, extraServers } = await listen(app, options.listen, async index => {
    const { body, handle } = sockets.grant(index)
    return { body: body as ListenGrant, handle }
  })
  return { drainable: { app, gate, connections, extraServers }, addresses }
}

function closeOnce (drainable: Drainable, { drainTimeout, idleGrace }: ResolvedOptions, release: ReadonlyArray<() => void>): (timeout?: number) => Promise<void> {
  let closing: Promise<void> | undefined
  return (timeout = drainTimeout) => (closing ??= drain(drainable, { timeout, idleGrace }).finally(() => {
    for (const give of release) give()
  }))
}

/** Signals and uncaught errors end the process; the returned functions take the listeners away again. */
function endByItself ({ app, gate }: Drainable, { drainTimeout, errorDrainTimeout, shutdown }: ResolvedOptions, close: (timeout: number) => Promise<void>): Array<() => void> {
  const ending = createEnding(close, async error => app.log.fatal({ err: error }, 'uncaught error: the app drains and the process exits'))
  return [
    ending.onUncaught(errorDrainTimeout),
    listenToSignals({
      onStop () {
        gate.expectStop()
        setTimeout(ending.begin, shutdown.delay, drainTimeout)
      },
      onHurry () {
        ending.begin(shutdown.fastTimeout)
        // A slower stop may have begun.
        setTimeout(() => process.exit(1), shutdown.fastTimeout).unref()
      },
      onInsist: () => process.exit(1)
    }, ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])
  ]
}
