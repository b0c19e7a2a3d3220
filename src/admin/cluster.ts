// What the admin server sees of a cluster, and may order.
import type { EventEmitter } from 'node:events'
import type { Scheduling } from '../options/types.ts'
import type { ClusterEvents } from '../primary/events.ts'
import type { HistoryEntry } from '../primary/history.ts'
import type { ReloadReport } from '../primary/reload.ts'
import type { ClusterStats } from '../primary/stats.ts'
import type { WorkerView } from '../primary/worker-handle.ts'
import type { AppMetric, Measurements } from '../measurements.ts'
import type { BoundAddress } from '../protocol.ts'
import type { Snapshot } from '../snapshot.ts'

/** `booting` until the first generation is ready. */
export type Phase = 'booting' | 'running' | 'stopping'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = typeof LOG_LEVELS[number]

/** Who reported: the same object for all reports of one worker. */
export interface Reporter {
  readonly slot: number
  readonly isGone: () => boolean
}

export interface ReportListener {
  readonly reported: (reporter: Reporter, snapshot: Snapshot) => void
  /** `app`: the app's own metrics, at the worker's end. */
  readonly measured: (reporter: Reporter, message: { readonly measured: Measurements, readonly app?: readonly AppMetric[] }) => void
}

export interface AdminCluster {
  readonly scheduling: Scheduling
  readonly addresses: () => readonly BoundAddress[]
  readonly phase: () => Phase
  readonly isCrashLooping: () => boolean
  readonly workers: () => readonly WorkerView[]
  readonly stats: () => ClusterStats
  readonly history: (id: number) => readonly HistoryEntry[]
  readonly events: EventEmitter<ClusterEvents>
  /** Calls back with what workers report, also those that are ending. */
  readonly listen: (listener: ReportListener) => void
  /** Asks each worker for the metrics of its app; those that do not answer in time are left out. */
  readonly appMetrics: () => Promise<ReadonlyArray<readonly [Reporter, readonly AppMetric[]]>>
  readonly reload: () => Promise<ReloadReport>
  readonly scale: (workers: number) => Promise<number>
  /** Resolves with the replacement once it is ready; the old worker drains when that has proved itself. */
  readonly recycle: (id: number) => Promise<{ readonly id: number, readonly pid: number, readonly generation: number }>
  /** Stops the cluster and ends the process, as SIGTERM does. Returns at once. */
  readonly stop: () => void
  /** The level of the primary's log and of the apps' loggers, also of workers that are yet to come. */
  readonly setLogLevel: (level: LogLevel) => void
  readonly log: Note
  readonly warn: Note
}

/** A line for the primary's log. */
type Note = (fields: { readonly event: string } & Readonly<Record<string, unknown>>, message: string) => void

export interface AdminServer {
  readonly addresses: readonly BoundAddress[]
  readonly close: () => Promise<void>
}

export type OpenAdmin = (cluster: AdminCluster) => Promise<AdminServer>
