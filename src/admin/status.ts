// The cluster as `GET /status` tells it: the one document that the command line and the dashboard read.
import type { Scheduling } from '../options/types.ts'
import type { LastExit } from '../primary/history.ts'
import type { ClusterStats } from '../primary/stats.ts'
import type { WorkerState } from '../primary/worker-states.ts'
import type { Health, LoopDelay, Snapshot } from '../snapshot.ts'
import type { Phase } from './cluster.ts'
import type { Readiness } from './readiness.ts'

/** Grows when a field changes its meaning or goes; new fields may come without. */
export const STATUS_FORMAT = 1

/** Times are in ms since the epoch, durations in ms unless said otherwise; null is "not known" or "none". */
export interface ClusterStatus {
  readonly format: typeof STATUS_FORMAT
  readonly at: number
  readonly name: string
  /** Of fastify-clusterize, and of Node. */
  readonly version: string
  readonly node: string
  /** Of the primary. */
  readonly pid: number
  readonly startedAt: number
  readonly phase: Phase
  readonly readiness: Readiness
  readonly crashLoop: boolean
  readonly scheduling: Scheduling
  /** Where the cluster serves, and where the admin server listens: `host:port`, or a path. */
  readonly addresses: readonly string[]
  readonly admin: readonly string[]
  readonly generation: number
  readonly workers: ClusterStats['workers']
  /** Workers that ended by themselves and were or will be replaced. */
  readonly restarts: number
  /** The reload that runs, or null. */
  readonly reload: ReloadProgress | null
  /** The last one that ended, or null. */
  readonly lastReload: ReloadOutcome | null
  /** What waits in the primary for a worker; null where nothing can (`scheduling`). */
  readonly queue: QueueStatus | null
  readonly totals: ClusterTotals
  /** Of the requests that ended in the last minute; null while there are none. */
  readonly duration: DurationStatus | null
  readonly slots: readonly SlotStatus[]
}

export interface ReloadProgress {
  /** The generation it goes to. */
  readonly generation: number
  readonly startedAt: number
  /** The slots that it has replaced, of how many. */
  readonly done: readonly number[]
  readonly slots: number
}

export interface ReloadOutcome {
  readonly state: 'done' | 'failed'
  readonly generation: number
  readonly at: number
  readonly duration: number
  readonly error: string | null
}

export interface QueueStatus {
  readonly waiting: number
  readonly rejectedFull: number
  readonly rejectedTimeout: number
}

/** Counted since the cluster began, over restarts of workers; rates are of the last reports. */
export interface ClusterTotals {
  readonly requests: number
  readonly responses: Readonly<Record<string, number>>
  readonly shed: number
  readonly inFlight: number
  readonly perSecond: number
  readonly shedPerSecond: number
  readonly connections: { readonly open: number, readonly idle: number, readonly moved: number }
}

export interface DurationStatus { readonly p50: number, readonly p90: number, readonly p99: number, readonly count: number }

/** A slot, and the worker that serves it: the newest that is ready and has reported, or else the newest. Without one the fields of a worker are null. */
export interface SlotStatus {
  readonly id: number
  readonly state: WorkerState | 'empty'
  readonly pid: number | null
  readonly generation: number | null
  readonly uptime: number | null
  readonly health: Health | null
  readonly utilization: number | null
  readonly loopDelay: LoopDelay | null
  /** In bytes. */
  readonly memory: Snapshot['memory'] | null
  readonly connections: { readonly open: number, readonly idle: number } | null
  readonly requests: SlotRequests
  readonly shed: { readonly total: number, readonly perSecond: number }
  /** Workers of this slot that have ended, for whatever reason, and how the last of them did. */
  readonly exits: number
  readonly lastExit: LastExit | null
  /** Its other workers: one that boots to take over, those that still drain. */
  readonly others: readonly OtherWorker[]
}

export interface SlotRequests {
  readonly total: number
  readonly inFlight: number
  readonly perSecond: number
  readonly responses: Readonly<Record<string, number>>
}

export interface OtherWorker { readonly pid: number, readonly generation: number, readonly state: WorkerState, readonly uptime: number, readonly inFlight: number }
