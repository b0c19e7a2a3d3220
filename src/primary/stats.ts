// The cluster in numbers, as cluster.stats() tells it.
import type { ListenerCounts } from '../listener/listener.ts'
import type { SlotStats } from './history.ts'
import type { WorkerHandle } from './worker-handle.ts'

export interface ClusterStats {
  /** Workers by state. */
  readonly workers: { readonly wanted: number, readonly ready: number, readonly booting: number, readonly draining: number, readonly unhealthy: number, readonly spare: number }
  readonly generation: number
  /** Workers that ended by themselves and were or will be replaced. */
  readonly restarts: number
  /** Whether they end faster than `restart.limit` allows. */
  readonly crashLoop: boolean
  readonly requests: { readonly inFlight: number, readonly perSecond: number }
  readonly connections: { readonly open: number, readonly idle: number }
  /** The queue in the primary, and connections it passed from one worker to another. */
  readonly dispatch: ListenerCounts
  /** What became of each slot's earlier workers. */
  readonly slots: readonly SlotStats[]
}

export function statsOf (workers: readonly WorkerHandle[], facts: Pick<ClusterStats, 'generation' | 'restarts' | 'crashLoop' | 'dispatch' | 'slots'> & { wanted: number }): ClusterStats {
  const { wanted, ...rest } = facts
  const count = (...states: string[]): number => workers.filter(worker => states.includes(worker.state())).length
  const snapshots = workers.flatMap(worker => worker.snapshot() ?? [])
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    workers: { wanted, ready: count('ready'), booting: count('booting'), draining: count('draining', 'killing'), spare: count('spare'), unhealthy: workers.filter(worker => worker.state() === 'ready' && !worker.healthy()).length },
    requests: {
      inFlight: sum(snapshots.map(({ requests }) => requests.inFlight)),
      perSecond: Math.round(sum(snapshots.map(({ requests }) => requests.rate)))
    },
    connections: {
      open: sum(snapshots.map(({ connections }) => connections.open)),
      idle: sum(snapshots.map(({ connections }) => connections.idle))
    },
    ...rest
  }
}
