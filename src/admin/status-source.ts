// Tells the cluster's status at any moment.
import { nearestPackage } from '../nearest-package.ts'
import type { BoundAddress } from '../protocol.ts'
import { readableAddress } from '../readable-address.ts'
import type { AdminCluster } from './cluster.ts'
import { shedByReason } from './ledger.ts'
import type { Ledger } from './ledger.ts'
import { readinessOf } from './readiness.ts'
import type { Readiness } from './readiness.ts'
import type { ReloadWatch } from './reload-watch.ts'
import { slotStatus } from './slot-status.ts'
import { STATUS_FORMAT } from './status.ts'
import type { ClusterStatus, ClusterTotals, DurationStatus, QueueStatus, ReloadProgress, SlotStatus } from './status.ts'

export interface StatusParts {
  readonly cluster: AdminCluster
  readonly name: string
  readonly minReady: number
  readonly ledger: Ledger
  readonly reloads: ReloadWatch
  readonly durations: () => DurationStatus | null
  /** Where the admin server listens. */
  readonly admin: () => readonly BoundAddress[]
}

export interface StatusSource {
  readonly status: () => ClusterStatus
  readonly readiness: () => Readiness
}

const version = nearestPackage(import.meta.dirname)?.version ?? ''

export function createStatusSource (parts: StatusParts): StatusSource {
  const { cluster, name, minReady, reloads } = parts
  const startedAt = Date.now()
  const readiness = (): Readiness => readinessOf({ phase: cluster.phase(), isCrashLooping: cluster.isCrashLooping(), workers: cluster.stats().workers.ready, minReady })

  function status (): ClusterStatus {
    const stats = cluster.stats()
    const slots = slotsOf(parts)
    return {
      format: STATUS_FORMAT,
      at: Date.now(),
      name,
      version,
      node: process.version,
      pid: process.pid,
      startedAt,
      phase: cluster.phase(),
      readiness: readiness(),
      crashLoop: cluster.isCrashLooping(),
      scheduling: cluster.scheduling,
      addresses: cluster.addresses().map(readableAddress),
      admin: parts.admin().map(readableAddress),
      generation: stats.generation,
      workers: stats.workers,
      restarts: stats.restarts,
      reload: progressOf(reloads, slots, stats.workers.wanted),
      lastReload: reloads.last(),
      queue: queueOf(cluster),
      totals: totalsOf(parts, slots),
      duration: parts.durations(),
      slots
    }
  }
  return { status, readiness }
}

function slotsOf ({ cluster, ledger }: StatusParts): SlotStatus[] {
  const workers = cluster.workers()
  const { slots, workers: { wanted } } = cluster.stats()
  const inSlot = (id: number): typeof workers => workers.filter(worker => worker.id === id)
  return slots
    .filter(({ id }) => id <= wanted || inSlot(id).length > 0)
    .map(stats => slotStatus({ stats, workers: inSlot(stats.id), history: cluster.history(stats.id), totals: ledger.slot(stats.id) }))
}

function progressOf (reloads: ReloadWatch, slots: readonly SlotStatus[], wanted: number): ReloadProgress | null {
  const running = reloads.running()
  if (running === null) return null
  const { generation } = running
  const isDone = ({ id, state, generation: own, others }: SlotStatus): boolean =>
    id <= wanted && state === 'ready' && own !== null && own >= generation && others.every(other => other.state !== 'ready')
  return { ...running, done: slots.filter(isDone).map(({ id }) => id), slots: wanted }
}

function queueOf ({ scheduling, stats }: AdminCluster): QueueStatus | null {
  if (scheduling !== 'connection' && scheduling !== 'request') return null
  const { queued, rejectedFull, rejectedTimeout } = stats().dispatch
  return { waiting: queued, rejectedFull, rejectedTimeout }
}

function totalsOf ({ cluster, ledger }: StatusParts, slots: readonly SlotStatus[]): ClusterTotals {
  const all = ledger.all()
  const { requests, responses, shed, movedIn } = all
  const { requests: { inFlight, perSecond }, connections: { open, idle } } = cluster.stats()
  const shedPerSecond = slots.reduce((sum, slot) => sum + slot.shed.perSecond, 0)
  return { requests, responses, shed, shedByReason: shedByReason(all), inFlight, perSecond, shedPerSecond, connections: { open, idle, moved: movedIn } }
}
