// Applies the overload policy at regular times: workers that shed while others have time are told to rest.
import type { PrimaryLog } from './log.ts'
import { judgeOverload } from './overload-policy.ts'
import type { LoadedWorker, Strains } from './overload-policy.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** Runs until the returned function is called; never keeps the process alive. */
export function startOverloadWatch (supervisor: Pick<Supervisor, 'handles'>, period: number, log: PrimaryLog): () => void {
  let strains: Strains = new Map()

  const timer = setInterval(() => {
    const ready = supervisor.handles().filter(handle => handle.state() === 'ready' && handle.healthy())
    strains = judgeOverload(ready.flatMap(asLoaded), strains)
    for (const handle of ready) {
      const rests = strains.get(handle.key)?.state === 'resting'
      if (!handle.rest('overload', rests)) continue
      const shed = handle.snapshot()?.requests.shedShare
      if (rests) log.warn({ event: 'worker-overloaded', ...handle.logLabel(), shed }, 'worker sheds while others have time: no new connections until it has recovered')
      else log.info({ event: 'worker-recovered', ...handle.logLabel() }, 'worker takes new connections again')
    }
  }, period).unref()
  return () => clearInterval(timer)
}

function asLoaded (handle: WorkerHandle): LoadedWorker[] {
  const snapshot = handle.snapshot()
  if (snapshot === undefined) return []
  const { utilization, requests: { rate, shedShare }, shedding: { active } } = snapshot
  return [{ key: handle.key, shed: shedShare, active, utilization, served: rate * (1 - shedShare) }]
}
