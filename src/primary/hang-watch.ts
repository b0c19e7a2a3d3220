// Looks at regular times whether each ready worker still reports: one that is late is logged, one that hangs is condemned.
import type { ResolvedOptions } from '../options/types.ts'
import { awakeTime, initialAwake, tickHang } from './hang-policy.ts'
import { findHangReport } from './find-hang-report.ts'
import type { HangOptions, WatchedWorker } from './hang-policy.ts'
import type { PrimaryLog } from './log.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

// A loop that stands still for so long, in ms, is worth a line in the log.
const STALL_WARNING = 1_000

/** Runs until the returned function is called; never keeps the process alive. */
export function startHangWatch (supervisor: Pick<Supervisor, 'handles' | 'condemn'>, { snapshotInterval, hangTimeout, hangReport }: Pick<ResolvedOptions, 'snapshotInterval' | 'hangTimeout' | 'hangReport'>, log: PrimaryLog, now: () => number = () => performance.now()): () => void {
  const options: HangOptions = { interval: snapshotInterval, stallWarning: STALL_WARNING, hangTimeout }
  let clock = initialAwake(now())
  let lastSeen: ReadonlyMap<number, number> = new Map()
  let late: ReadonlySet<number> = new Set()
  const hung = new WeakSet<WorkerHandle>()

  /** A report since the last look came while the awake clock read what it reads now plus the time since. */
  function seen (handle: WorkerHandle): number {
    const heardAt = handle.heardAt()
    const before = lastSeen.get(handle.key)
    return before !== undefined && heardAt < clock.lastTick ? before : awakeTime(clock, heardAt, options)
  }

  async function condemn (handle: WorkerHandle, fields: object): Promise<void> {
    if (hung.has(handle)) return
    hung.add(handle)
    const found = hangReport ? await findHangReport(handle.pid) : undefined
    log.error({ event: 'worker-hung', ...fields, ...found }, 'worker hangs: it is killed and replaced')
    supervisor.condemn(handle)
  }

  const timer = setInterval(() => {
    const ready = supervisor.handles().filter(handle => handle.state() === 'ready' || handle.state() === 'spare')
    lastSeen = new Map(ready.map(handle => [handle.key, seen(handle)]))
    const watched = ready.map((handle): WatchedWorker => ({ key: handle.key, lastSeen: lastSeen.get(handle.key) ?? clock.awake, inspected: handle.inspected() }))
    const { clock: next, verdicts } = tickHang(clock, watched, now(), options)
    clock = next
    const silent = ready.filter(({ key }) => verdicts.get(key) !== 'ok')
    for (const handle of silent) {
      const fields = { ...handle.logLabel(), ms: Math.round(clock.awake - (lastSeen.get(handle.key) ?? clock.awake)), inFlight: handle.load().inFlight }
      if (verdicts.get(handle.key) === 'hung') {
        void condemn(handle, fields)
      } else if (!late.has(handle.key)) {
        log.warn({ event: 'worker-stalled', ...fields }, 'worker does not report: its event loop stands still')
      }
    }
    late = new Set(silent.map(({ key }) => key))
  }, snapshotInterval).unref()
  return () => clearInterval(timer)
}
