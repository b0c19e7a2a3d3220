// What a supervisor offers, and what it is made of.
import type { Listener } from '../listener/listener.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'
import type { EventSink } from './events.ts'
import type { HistoryEntry } from './history.ts'
import type { PrimaryLog } from './log.ts'
import type { ReloadReport } from './reload.ts'
import type { ReportTap } from './report-tap.ts'
import type { Restarts } from './restarts.ts'
import type { Dismissal } from './roster.ts'
import type { ClusterStats } from './stats.ts'
import type { ForkOrder, WorkerHandle, WorkerListeners, WorkerView } from './worker-handle.ts'

export interface Supervisor {
  /** Resolves when every worker of the first generation is ready. Throws FST_CLUSTERIZE_BOOT_FAILED, FST_CLUSTERIZE_STOPPED. */
  start: () => Promise<void>
  /** Drains every worker within `timeout` ms; resolves with those that had to be killed. */
  stop: (timeout: number) => Promise<readonly WorkerView[]>
  /**
   * Replaces every worker by one that runs what is on disk now, the old one draining only once the new one has proved itself.
   * Throws FST_CLUSTERIZE_RELOAD_FAILED with the cause: then the old workers serve on. Throws FST_CLUSTERIZE_STOPPED when a stop comes first.
   */
  reload: () => Promise<ReloadReport>
  /**
   * Wants so many workers; resolves with that number once all are ready and none beyond serves. An automatic cluster keeps to its bounds.
   * An order has slots that are held back tried at once; the load's wish does not.
   * Throws FST_CLUSTERIZE_INVALID_OPTION. Throws FST_CLUSTERIZE_STOPPED when a stop comes first.
   */
  scale: (size: number, by?: 'order' | 'load') => Promise<number>
  /** While a reload or a change of size is on. */
  isChanging: () => boolean
  /** Has a worker replaced; it drains once its replacement has proved itself. */
  dismiss: (handle: WorkerHandle, why: Dismissal) => void
  /** Has a worker killed that gives no sign of life. */
  condemn: (handle: WorkerHandle) => void
  /** Whoever still drains in `timeout` ms is killed, however long it was given. */
  hasten: (timeout: number) => void
  /** SIGKILLs every worker in this very tick. */
  killAll: () => void
  /** Whether the first generation has become ready. */
  isUp: () => boolean
  /** Resolves then. Throws what `start` throws. */
  whenUp: () => Promise<void>
  workers: () => WorkerView[]
  handles: () => readonly WorkerHandle[]
  /** Before a stop: from now on each response ends its connection. */
  announceEnd: () => void
  /** A stop is ordered, and everything serves on until its delay is over: the apps' readiness routes say so. */
  announceStop: () => void
  addresses: () => readonly BoundAddress[]
  stats: () => ClusterStats
  history: (slot: number) => readonly HistoryEntry[]
}

export interface SupervisorParts {
  readonly options: ResolvedOptions
  readonly log: PrimaryLog
  readonly events: EventSink
  readonly restarts: Restarts
  readonly listener: Listener
  readonly fork: (order: ForkOrder, listeners: WorkerListeners) => WorkerHandle
  /** No worker is left in a crash loop. */
  readonly onLost: (error: Error) => void
  /** Hears what each worker reports and measures. */
  readonly tap?: Pick<ReportTap, 'reported' | 'measured'>
  readonly environment: (slot: number, generation: number) => Record<string, string>
  readonly now?: () => number
}
