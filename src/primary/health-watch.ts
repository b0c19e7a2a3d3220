// Applies the health policy at regular times: unhealthy workers are told to rest, one that stays so is dismissed.
import type { ResolvedOptions } from '../options/types.ts'
import { judgeHealth } from './health-policy.ts'
import type { CheckedWorker, Relapses } from './health-policy.ts'
import type { PrimaryLog } from './log.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** Runs until the returned function is called; never keeps the process alive. */
export function startHealthWatch (supervisor: Pick<Supervisor, 'handles' | 'dismiss'>, { healthCheck, snapshotInterval }: Pick<ResolvedOptions, 'healthCheck' | 'snapshotInterval'>, log: PrimaryLog): () => void {
  if (healthCheck === undefined) return () => {}
  const { failures } = healthCheck
  let relapses: Relapses = new Map()
  let known: ReadonlySet<number> = new Set()
  let replaced: WorkerHandle | undefined

  /** One line when a worker's health changes. */
  function report (handles: readonly WorkerHandle[]): void {
    const unhealthy = handles.filter(handle => !handle.healthy())
    for (const handle of unhealthy) {
      if (!known.has(handle.key)) log.warn({ event: 'worker-unhealthy', ...handle.logLabel(), reason: handle.snapshot()?.health.reason }, 'health check failed: no new connections while another worker is healthy')
    }
    for (const handle of handles) if (known.has(handle.key) && handle.healthy()) log.info({ event: 'worker-healthy', ...handle.logLabel() }, 'worker is healthy again')
    known = new Set(unhealthy.map(({ key }) => key))
  }

  const timer = setInterval(() => {
    const handles = supervisor.handles()
    report(handles.filter(handle => handle.state() === 'ready'))
    const verdict = judgeHealth(handles.map(handle => asChecked(handle, handle === replaced)), relapses, failures)
    relapses = verdict.relapses
    for (const handle of handles) handle.rest('health', verdict.resting.has(handle.key))
    const chosen = handles.find(({ key }) => key === verdict.replace)
    replaced = chosen ?? handles.find(handle => handle === replaced)
    if (chosen === undefined) return
    log.error({ event: 'worker-sick', ...chosen.logLabel(), reason: chosen.snapshot()?.health.reason, failures: chosen.snapshot()?.health.failures }, 'health check keeps failing: the worker drains once its replacement is ready')
    supervisor.dismiss(chosen, 'unhealthy')
  }, snapshotInterval).unref()
  return () => clearInterval(timer)
}

function asChecked (handle: WorkerHandle, isReplaced: boolean): CheckedWorker {
  const { state: health = 'unchecked', failures = 0 } = handle.snapshot()?.health ?? {}
  return { key: handle.key, slot: handle.slot, state: isReplaced ? 'replaced' : handle.state() === 'ready' ? 'ready' : 'other', health, failures }
}
