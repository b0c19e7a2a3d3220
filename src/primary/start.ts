// The composition root of the primary: bind, fork, wait for the first generation, stop through close-with-grace.
import type { AdminServer, OpenAdmin } from '../admin/cluster.ts'
import { BootFailedError, NoEntryError } from '../errors.ts'
import type { OpenListener } from '../listener/listener.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'
import type { ServiceManager } from '../service-manager.ts'
import { readableAddress } from '../readable-address.ts'
import { whenAborted } from '../when-aborted.ts'
import { WORKER_VARIABLE } from '../worker-variable.ts'
import { startAutoscaler } from './autoscaler.ts'
import { adminView } from './admin-view.ts'
import { compileCacheEnvironment } from './compile-cache.ts'
import { createPrimaryEnding } from './ending.ts'
import type { PrimaryEnding } from './ending.ts'
import { createEvents } from './events.ts'
import type { EventSink } from './events.ts'
import { startHangWatch } from './hang-watch.ts'
import { startHealthWatch } from './health-watch.ts'
import type { HistoryEntry } from './history.ts'
import { createPrimaryLog } from './log.ts'
import type { ReloadReport } from './reload.ts'
import { startRebalancer } from './rebalancer.ts'
import { startRecycler } from './recycler.ts'
import { createReportTap } from './report-tap.ts'
import { createRestarts } from './restarts.ts'
import type { ClusterStats } from './stats.ts'
import { reportToService } from './service-status.ts'
import { createSupervisor } from './supervisor.ts'
import type { Supervisor, SupervisorParts } from './supervision.ts'
import { forkWorker } from './worker-handle.ts'
import type { WorkerView } from './worker-handle.ts'

/** What clusterize() resolves to in the primary. */
export interface PrimaryResult {
  readonly role: 'primary'
  /** Where the cluster serves. */
  readonly addresses: readonly BoundAddress[]
  /** 'worker-ready', 'worker-exit', 'reload', 'scale', 'stop'. */
  readonly events: EventSink['emitter']
  /** Where the admin server listens; empty without one. */
  readonly admin: readonly BoundAddress[]
  /** The workers there are, by slot. */
  readonly workers: () => readonly WorkerView[]
  /** The cluster in numbers, from the workers' latest reports. */
  readonly stats: () => ClusterStats
  /** The last reports from a worker's slot, 120 at most and the oldest first; a slot's workers follow one another. */
  readonly history: (id: number) => readonly HistoryEntry[]
  /**
   * Rolls new code in: every worker is replaced by one that runs what is on disk now, one slot at a time, and no client notices.
   * A call during a reload waits for it and then runs one more.
   *
   * @throws FST_CLUSTERIZE_RELOAD_FAILED with the new worker's error as cause; the old workers serve on
   * @throws FST_CLUSTERIZE_STOPPED
   */
  readonly reload: () => Promise<ReloadReport>
  /**
   * Changes the number of workers: more are forked, or those with the highest ids drain while their connections move to the others.
   * Resolves once it is so, with the number; where a later call changed it meanwhile, with that one.
   * With `workers: { min, max }` the number must be within these, and the load decides on from there.
   *
   * @throws FST_CLUSTERIZE_INVALID_OPTION, FST_CLUSTERIZE_STOPPED
   */
  readonly scale: (workers: number) => Promise<number>
  /**
   * Replaces one worker by a fresh one. Resolves once that is ready; the old worker drains as in a reload.
   *
   * @throws FST_CLUSTERIZE_NO_WORKER, FST_CLUSTERIZE_STOPPED
   */
  readonly recycle: (id: number) => Promise<{ readonly id: number, readonly pid: number, readonly generation: number }>
  /**
   * Stops the cluster: requests in flight finish, then the workers exit. The process goes on.
   *
   * @throws FST_CLUSTERIZE_KILLED when a worker had to be killed
   */
  readonly close: () => Promise<void>
}

/** What the rest of the package gives it. */
export interface PrimaryParts {
  readonly openListener: OpenListener
  /** Undefined without an admin server. */
  readonly openAdmin: OpenAdmin | undefined
  readonly manager: ServiceManager
  readonly onEnd: () => void
}

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with the worker's own error as cause, FST_CLUSTERIZE_STOPPED, FST_CLUSTERIZE_NO_ENTRY
 */
export async function startPrimary (options: ResolvedOptions, { openListener, openAdmin, manager, onEnd }: PrimaryParts): Promise<PrimaryResult> {
  if (process.argv[1] === undefined) throw new NoEntryError('there is none in process.argv')
  const log = createPrimaryLog(options.logger)
  const events = createEvents()
  const fleet: { supervisor?: Supervisor, ending?: PrimaryEnding, admin?: AdminServer } = {}
  const listener = await openListener(options, {
    workers: () => fleet.supervisor?.handles() ?? [],
    warn: (event, message, fields) => log.warn({ event, ...fields }, message),
    inherited: manager.sockets
  })
  const restarts = createRestarts(options.restart)
  const tap = createReportTap()
  const supervisor = fleet.supervisor = superviseWith(options, { log, events, restarts, listener, onLost: error => fleet.ending?.giveUp(error), onReport: tap.reported })
  const rebalances = options.rebalance && (options.scheduling === 'kernel' || options.scheduling === 'connection')
  const stopRebalancing = rebalances ? startRebalancer(supervisor.handles, listener, options.snapshotInterval) : () => {}
  events.emitter.once('stop', stopRebalancing)
  const stopWatching = startHangWatch(supervisor, options, log)
  events.emitter.once('stop', startAutoscaler(supervisor, listener, options, log))
  events.emitter.once('stop', startRecycler(supervisor, options, log))
  events.emitter.once('stop', startHealthWatch(supervisor, options, log))
  const service = reportToService(manager.notify, supervisor, events, log)
  const ending = fleet.ending = createPrimaryEnding({
    supervisor,
    listener,
    options,
    log,
    events,
    async onEnd () {
      stopWatching()
      service.end()
      // Last, so that the end can be watched.
      await fleet.admin?.close()
      onEnd()
    }
  })
  const addressesOf = (): readonly BoundAddress[] => listener.addresses.length > 0 ? listener.addresses : supervisor.addresses()
  const view = adminView({ options, supervisor, ending, restarts, events, log, tap, addresses: addressesOf })
  try {
    // First, so that probes see the boot.
    if (openAdmin !== undefined) {
      fleet.admin = await openAdmin(view).catch((cause: Error) => { throw new BootFailedError(cause.message, { cause }) })
      log.info({ event: 'admin-ready', addresses: fleet.admin.addresses.map(readableAddress) }, 'admin server ready')
    }
    await supervisor.start()
  } catch (error) {
    await ending.close('the cluster did not come up', { delay: 0 }).catch(() => {})
    // After a signal close-with-grace ends the process; a rejection would only race it.
    if (ending.isExiting()) return new Promise(() => {})
    throw error
  }
  const addresses = addressesOf()
  log.info({ event: 'cluster-ready', workers: options.workers, addresses: addresses.map(readableAddress) }, 'cluster ready')
  service.up()
  whenAborted(options.signal, () => { void ending.close('the signal option aborted').catch(() => {}) })
  const { workers, stats, history, reload, scale } = supervisor
  return { role: 'primary', addresses, admin: fleet.admin?.addresses ?? [], events: events.emitter, workers, stats, history, reload, scale, recycle: view.recycle, close: () => ending.close('close() was called') }
}

type SupervisionParts = Pick<SupervisorParts, 'log' | 'events' | 'restarts' | 'listener' | 'onLost' | 'onReport'>

function superviseWith (options: ResolvedOptions, parts: SupervisionParts): Supervisor {
  const cache = compileCacheEnvironment(options.compileCache)
  return createSupervisor({
    ...parts,
    options,
    fork: forkWorker,
    environment: (id, generation) => ({ ...cache, [WORKER_VARIABLE]: JSON.stringify({ id, generation }) })
  })
}
