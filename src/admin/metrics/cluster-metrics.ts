// The metrics of the cluster as a whole.
import type { AppMetric } from '../../measurements.ts'
import type { ClusterStats } from '../../primary/stats.ts'
import type { ClusterStatus } from '../status.ts'
import { BOOT_BUCKETS, RELOAD_BUCKETS } from './event-counts.ts'
import type { EventCounts } from './event-counts.ts'
import { counter, gauge, histogram } from './metric.ts'

/** Upper bounds in seconds, as the queue counts in milliseconds. */
const WAIT_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
const PHASES = ['booting', 'running', 'stopping'] as const

export interface ClusterFacts {
  readonly status: ClusterStatus
  readonly dispatch: ClusterStats['dispatch']
  readonly counts: EventCounts
}

export function clusterMetrics ({ status, dispatch, counts }: ClusterFacts): AppMetric[] {
  const { name, version, node, scheduling, workers } = status
  return [
    gauge('info', 'What runs here; the value is always 1.', [[1, { name, version, node, scheduling }]]),
    gauge('phase', 'Whether the cluster is in this phase.', PHASES.map(phase => [Number(status.phase === phase), { phase }])),
    gauge('ready', 'Whether /readyz says so.', [[Number(status.readiness.ready)]]),
    gauge('crash_loop', 'Whether workers end again and again.', [[Number(status.crashLoop)]]),
    gauge('generation', 'The generation that is wanted.', [[status.generation]]),
    gauge('workers_wanted', 'Workers the cluster wants.', [[workers.wanted]]),
    gauge('workers', 'Workers by state; those that are ready and unhealthy count in both, spares in no other.', (['ready', 'booting', 'draining', 'unhealthy', 'spare'] as const).map(state => [workers[state], { state }])),
    counter('worker_exits_total', 'Workers that ended, by kind.', [...counts.exits].map(([kind, count]) => [count, { kind }])),
    counter('worker_restarts_total', 'Workers that were lost and replaced, by reason.', [...counts.restarts].map(([reason, count]) => [count, { reason }])),
    histogram('worker_boot_seconds', 'From the fork of a worker until it was ready.', BOOT_BUCKETS, [counts.bootTimes]),
    counter('reloads_total', 'Reloads that ended, by result.', (['done', 'failed'] as const).map(result => [counts.reloads[result], { result }])),
    gauge('reload_in_progress', 'Whether a reload runs.', [[Number(status.reload !== null)]]),
    histogram('reload_duration_seconds', 'How long reloads took that were done.', RELOAD_BUCKETS, [counts.reloadTimes]),
    ...queueMetrics(status, dispatch),
    counter('dispatch_moved_total', 'Connections or requests the primary passed from one worker to another.', [[dispatch.moved]]),
    counter('dispatch_taken_back_total', 'Requests that a worker did not begin in time, so that a free one got them.', [[dispatch.takenBack]]),
    ...primaryMetrics(status)
  ]
}

/** Where nothing can wait there is nothing to tell. */
function queueMetrics ({ queue }: ClusterStatus, { waited }: ClusterStats['dispatch']): AppMetric[] {
  if (queue === null) return []
  return [
    gauge('queue_depth', 'Connections or requests that wait in the primary for a worker.', [[queue.waiting]]),
    counter('queue_rejected_total', 'Those that were refused: the queue was full, or they had waited their time.', [[queue.rejectedFull, { reason: 'full' }], [queue.rejectedTimeout, { reason: 'timeout' }]]),
    histogram('queue_wait_seconds', 'How long those had waited that had their turn.', WAIT_BUCKETS, [{ counts: waited.buckets, sum: waited.sum / 1000 }])
  ]
}

function primaryMetrics ({ startedAt }: ClusterStatus): AppMetric[] {
  const { user, system } = process.cpuUsage()
  return [
    gauge('primary_start_time_seconds', 'When the primary began, since the epoch.', [[startedAt / 1000]]),
    counter('primary_cpu_seconds_total', 'CPU time of the primary.', [[(user + system) / 1e6]]),
    gauge('primary_resident_memory_bytes', 'Resident memory of the primary.', [[process.memoryUsage.rss()]])
  ]
}
