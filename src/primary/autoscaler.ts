// Applies the autoscaling policy at regular times to what the workers report and the queue holds.
import type { Listener } from '../listener/listener.ts'
import type { ResolvedOptions } from '../options/types.ts'
import { autoscale, NO_TREND } from './autoscale-policy.ts'
import type { PrimaryLog } from './log.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

// A worker that skipped this many reports is too busy to speak.
const SILENT_REPORTS = 3

/** Runs until the returned function is called; never keeps the process alive. */
export function startAutoscaler (supervisor: Pick<Supervisor, 'handles' | 'scale' | 'stats' | 'isChanging'>, { counts }: Pick<Listener, 'counts'>, { autoscale: limits, snapshotInterval }: Pick<ResolvedOptions, 'autoscale' | 'snapshotInterval'>, log: PrimaryLog, now: () => number = () => performance.now()): () => void {
  if (limits === undefined) return () => {}
  let trend = NO_TREND

  const timer = setInterval(() => {
    const { wanted } = supervisor.stats().workers
    const ready = supervisor.handles().filter(({ state }) => state() === 'ready')
    // In the middle of a change what is measured is the change.
    if (supervisor.isChanging() || ready.length !== wanted) {
      trend = NO_TREND
      return
    }
    const utilization = ready.reduce((sum, handle) => sum + utilizationOf(handle, now(), snapshotInterval), 0) / wanted
    const { queued } = counts()
    const verdict = autoscale({ size: wanted, utilization, queued }, trend, now(), limits)
    trend = verdict.trend
    if (verdict.size === undefined) return
    log.info({ event: 'autoscaled', from: wanted, to: verdict.size, utilization: verdict.utilization, queued }, 'the load wants another number of workers')
    // It rejects when a stop comes first.
    supervisor.scale(verdict.size, 'load').catch(() => {})
  }, snapshotInterval).unref()
  return () => clearInterval(timer)
}

function utilizationOf (handle: WorkerHandle, now: number, interval: number): number {
  return now - handle.heardAt() > SILENT_REPORTS * interval ? 1 : handle.snapshot()?.utilization ?? 0
}
