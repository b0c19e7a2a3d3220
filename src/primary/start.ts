// The composition root of the primary: bind, fork, wait for the first generation, stop through close-with-grace.
import { NoEntryError } from '../errors.ts'
import type { Listener, OpenListener } from '../listener/listener.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'
import { whenAborted } from '../when-aborted.ts'
import { WORKER_VARIABLE } from '../worker-variable.ts'
import { compileCacheEnvironment } from './compile-cache.ts'
import { createPrimaryEnding } from './ending.ts'
import type { PrimaryEnding } from './ending.ts'
import { createEvents } from './events.ts'
import type { EventSink } from './events.ts'
import { startHangWatch } from './hang-watch.ts'
import { startHealthWatch } from './health-watch.ts'
import type { HistoryEntry } from './history.ts'
import { createPrimaryLog } from './log.ts'
import type { PrimaryLog } from './log.ts'
import type { ReloadReport } from './reload.ts'
import { startOverloadWatch } from './overload-watch.ts'
import { startRebalancer } from './rebalancer.ts'
import { startRecycler } from './recycler.ts'
import { createRestarts } from './restarts.ts'
import type { ClusterStats } from './stats.ts'
import { createSupervisor } from './supervisor.ts'
import type { Supervisor } from './supervision.ts'
import { forkWorker } from './worker-handle.ts'
import type { WorkerView } from './worker-handle.ts'

/** What clusterize() resolves to in the primary. */
export interface PrimaryResult {
  readonly role: 'primary'
  /** Where the cluster serves. */
  readonly addresses: readonly BoundAddress[]
  /** 'worker-ready', 'worker-exit', 'reload', 'scale', 'stop'. */
  readonly events: EventSink['emitter']
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
   *
   * @throws FST_CLUSTERIZE_INVALID_OPTION, FST_CLUSTERIZE_STOPPED
   */
  readonly scale: (workers: number) => Promise<number>
  /**
   * Stops the cluster: requests in flight finish, then the workers exit. The process goes on.
   *
   * @throws FST_CLUSTERIZE_KILLED when a worker had to be killed
   */
  readonly close: () => Promise<void>
}

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with the worker's own error as cause, FST_CLUSTERIZE_STOPPED, FST_CLUSTERIZE_NO_ENTRY
 */
export async function startPrimary (options: ResolvedOptions, openListener: OpenListener, onEnd: () => void): Promise<PrimaryResult> {
  if (process.argv[1] === undefined) throw new NoEntryError('there is none in process.argv')
  const log = createPrimaryLog(options.logger)
  const events = createEvents()
  const fleet: { supervisor?: Supervisor, ending?: PrimaryEnding } = {}
  const listener = await openListener(options, {
    workers: () => fleet.supervisor?.handles() ?? [],
    warn: (event, message, fields) => log.warn({ event, ...fields }, message)
  })
  const supervisor = fleet.supervisor = superviseWith(options, log, events, listener, error => fleet.ending?.giveUp(error))
  const rebalances = options.rebalance && (options.scheduling === 'kernel' || options.scheduling === 'connection')
  const stopRebalancing = rebalances ? startRebalancer(supervisor.handles, listener, options.snapshotInterval) : () => {}
  events.emitter.once('stop', stopRebalancing)
  const stopWatching = startHangWatch(supervisor, options, log)
  events.emitter.once('stop', startRecycler(supervisor, options, log))
  events.emitter.once('stop', startHealthWatch(supervisor, options, log))
  events.emitter.once('stop', startOverloadWatch(supervisor, options.snapshotInterval, log))
  const ending = fleet.ending = createPrimaryEnding({
    supervisor,
    listener,
    options,
    log,
    events,
    onEnd () {
      stopWatching()
      onEnd()
    }
  })
  try {
    await supervisor.start()
  } catch (error) {
    await ending.close('the cluster did not come up', { delay: 0 }).catch(() => {})
    // After a signal close-with-grace ends the process; a rejection would only race it.
    if (ending.isExiting()) return new Promise(() => {})
    throw error
  }
  const addresses = listener.addresses.length > 0 ? listener.addresses : supervisor.addresses()
  log.info({ event: 'cluster-ready', workers: options.workers, addresses: addresses.map(readable) }, 'cluster ready')
  whenAborted(options.signal, () => { void ending.close('the signal option aborted').catch(() => {}) })
  return { role: 'primary', addresses, events: events.emitter, workers: supervisor.workers, stats: supervisor.stats, history: supervisor.history, reload: supervisor.reload, scale: supervisor.scale, close: () => ending.close('close() was called') }
}

function superviseWith (options: ResolvedOptions, log: PrimaryLog, events: EventSink, listener: Listener, onLost: (error: Error) => void): Supervisor {
  const cache = compileCacheEnvironment(options.compileCache)
  return createSupervisor({
    options,
    log,
    events,
    restarts: createRestarts(options.restart),
    listener,
    fork: forkWorker,
    onLost,
    environment: (id, generation) => ({ ...cache, [WORKER_VARIABLE]: JSON.stringify({ id, generation }) })
  })
}

function readable (address: BoundAddress): string {
  if (typeof address === 'string') return address
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}
