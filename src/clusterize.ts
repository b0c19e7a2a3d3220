// The entry point: resolves the options, finds out which role this process has, and hands over.
import cluster from 'node:cluster'
import type { OpenAdmin } from './admin/cluster.ts'
import { surviveBrokenOutput } from './broken-output.ts'
import { AlreadyStartedError, InvalidOptionError, NestedError } from './errors.ts'
import { resolveOptions } from './options/resolve.ts'
import type { ClusterizeOptions, ResolvedOptions } from './options/types.ts'
import { adoptApp, gateNewInstances } from './plugin/adopt-app.ts'
import type { PrimaryResult } from './primary/start.ts'
import { takeServiceManager } from './service-manager.ts'
import type { ServiceManager } from './service-manager.ts'
import { createServiceNotifier } from './service-notifier.ts'
import { whenAborted } from './when-aborted.ts'
import type { BuildApp, PluginSide } from './worker/build-app.ts'
import type { InProcessResult } from './worker/in-process.ts'
import type { WorkerResult } from './worker/start.ts'
import { createWorkerIdentity } from './worker-info.ts'
import { takeWorkerVariable } from './worker-variable.ts'

/** What clusterize() resolves to: `role` tells in which process. */
export type ClusterizeResult = PrimaryResult | WorkerResult | InProcessResult

const pluginSide: PluginSide = { adoptApp, gateNewInstances }

// On globalThis, so that a second copy of this package counts too.
const STARTED = Symbol.for('fastify-clusterize.started')
const started = globalThis as { [STARTED]?: boolean }

/**
 * Runs a Fastify app on all CPUs: forks workers that each build the app and serve it, and supervises them.
 * Call it where `app.listen` was called, with a function that builds the app.
 *
 * In the primary it resolves once every worker is ready; in a worker once that worker listens.
 *
 * @param buildApp builds the app; it must not listen
 * @param options those of `app.listen`, and this package's own
 * @throws FST_CLUSTERIZE_BOOT_FAILED when the first workers do not come up; `cause` is the worker's own error
 * @throws FST_CLUSTERIZE_INVALID_OPTION, FST_CLUSTERIZE_UNKNOWN_OPTION, FST_CLUSTERIZE_CONFLICTING_OPTIONS, FST_CLUSTERIZE_INVALID_ENV before anything is forked
 * @throws FST_CLUSTERIZE_ALREADY_STARTED, FST_CLUSTERIZE_NESTED, FST_CLUSTERIZE_NO_ENTRY
 * @example
 * const cluster = await clusterize(buildApp, { port: 3000 })
 */
export async function clusterize (buildApp: BuildApp, options: ClusterizeOptions = {}): Promise<ClusterizeResult> {
  if (typeof buildApp !== 'function') throw new InvalidOptionError('buildApp', 'a function that returns a Fastify instance', typeof buildApp)
  const resolved = resolveOptions(options)
  if (started[STARTED] === true) throw new AlreadyStartedError()
  started[STARTED] = true
  const forgetOutput = surviveBrokenOutput()
  const onEnd = (): void => {
    forgetOutput()
    started[STARTED] = false
  }
  try {
    return await start(buildApp, resolved, onEnd)
  } catch (error) {
    onEnd()
    throw error
  }
}

/** Each process loads what its role needs, and no more: there are many workers. */
async function start (buildApp: BuildApp, options: ResolvedOptions, onEnd: () => void): Promise<ClusterizeResult> {
  const identity = takeWorkerVariable()
  if (identity !== undefined) {
    const { startWorker } = await import('./worker/start.ts')
    return startWorker(buildApp, options, createWorkerIdentity({ ...identity, isClustered: true }), pluginSide)
  }
  if (cluster.isWorker && options.workers !== 0) throw new NestedError()
  const manager = takeServiceManager()
  if (options.workers > 0) {
    const [{ startPrimary }, { openListener }] = await Promise.all([import('./primary/start.ts'), import('./listener/open.ts')])
    return startPrimary(options, { openListener, openAdmin: adminFor(options), manager, onEnd })
  }
  return startHere(buildApp, options, manager, onEnd)
}

/** Loaded only where it is wanted. */
function adminFor ({ admin }: ResolvedOptions): OpenAdmin | undefined {
  if (admin === false) return undefined
  return async view => (await import('./admin/open-admin.ts')).openAdmin(view, admin)
}

/** In this very process, which a service manager may have started too. */
async function startHere (buildApp: BuildApp, options: ResolvedOptions, manager: ServiceManager, onEnd: () => void): Promise<InProcessResult> {
  const service = createServiceNotifier(manager.notify, {
    isAlive: () => true,
    onFailure: error => process.emitWarning(`The service manager cannot be told: ${error.message}`)
  })
  const [{ bindHere }, { startInProcess }] = await Promise.all([import('./listener/here.ts'), import('./worker/in-process.ts')])
  const sockets = await bindHere(options.listen, manager.sockets)
  const result = await startInProcess(buildApp, options, pluginSide, sockets, () => {
    service.end()
    onEnd()
  })
  whenAborted(result.worker.draining, () => service.stopping('stopping'))
  service.ready('serving in one process')
  return result
}

export type { BuildApp, InProcessResult, PrimaryResult, WorkerResult }
