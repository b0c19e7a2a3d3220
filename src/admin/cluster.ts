// What the admin server sees of a cluster, and may order.
import type { ClusterEvents } from '../primary/events.ts'
import type { ReloadReport } from '../primary/reload.ts'
import type { ClusterStats } from '../primary/stats.ts'
import type { WorkerView } from '../primary/worker-handle.ts'
import type { BoundAddress } from '../protocol.ts'
import type { EventEmitter } from 'node:events'

/** `booting` until the first generation is ready. */
export type Phase = 'booting' | 'running' | 'stopping'

export interface AdminCluster {
  readonly name: string
  readonly addresses: () => readonly BoundAddress[]
  readonly phase: () => Phase
  readonly isCrashLooping: () => boolean
  readonly workers: () => readonly WorkerView[]
  readonly stats: () => ClusterStats
  readonly events: EventEmitter<ClusterEvents>
  readonly reload: () => Promise<ReloadReport>
  readonly scale: (workers: number) => Promise<number>
  /** Resolves with the replacement once it is ready; the old worker drains when that has proved itself. */
  readonly recycle: (id: number) => Promise<{ readonly id: number, readonly pid: number, readonly generation: number }>
  /** Stops the cluster and ends the process, as SIGTERM does. Returns at once. */
  readonly stop: () => void
}

export interface AdminServer {
  readonly addresses: readonly BoundAddress[]
  readonly close: () => Promise<void>
}

export type OpenAdmin = (cluster: AdminCluster) => Promise<AdminServer>
