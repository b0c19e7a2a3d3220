// Applies the recycling policy at regular times: a worker that has served long enough is dismissed, one at a time.
import type { ResolvedOptions } from '../options/types.ts'
import type { PrimaryLog } from './log.ts'
import { chooseRecycle, drawThresholds, heapFloor } from './recycle-policy.ts'
import type { RecycleThresholds, WornWorker } from './recycle-policy.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** What is remembered of one worker. */
interface Wear {
  readonly thresholds: RecycleThresholds
  /** Bytes, oldest first. */
  readonly heaps: readonly number[]
}

/** As many as the policy looks at. */
const REMEMBERED_HEAPS = 10

/** Runs until the returned function is called; never keeps the process alive. */
export function startRecycler (supervisor: Pick<Supervisor, 'handles' | 'dismiss'>, { recycle, snapshotInterval }: Pick<ResolvedOptions, 'recycle' | 'snapshotInterval'>, log: PrimaryLog, random: () => number = Math.random, now: () => number = () => performance.now()): () => void {
  let wear: ReadonlyMap<number, Wear> = new Map()
  let chosen: WorkerHandle | undefined

  const timer = setInterval(() => {
    const handles = supervisor.handles()
    wear = new Map(handles.map(handle => [handle.key, wornOn(handle, wear.get(handle.key) ?? { thresholds: drawThresholds(recycle, random), heaps: [] })]))
    const choice = chooseRecycle(handles.flatMap(handle => asWorn(handle, wear.get(handle.key), handle === chosen)), now())
    chosen = handles.find(handle => handle === chosen || handle.key === choice?.key)
    if (choice === undefined || chosen === undefined) return
    const { limit: reason, value, threshold } = choice.reason
    log.info({ event: 'worker-recycled', ...chosen.logLabel(), reason, value, threshold }, 'worker has served long enough: it drains once its replacement is ready')
    supervisor.dismiss(chosen, 'recycle')
  }, snapshotInterval).unref()
  return () => clearInterval(timer)
}

function wornOn (handle: WorkerHandle, { thresholds, heaps }: Wear): Wear {
  const heapUsed = handle.snapshot()?.memory.heapUsed
  return { thresholds, heaps: heapUsed === undefined ? heaps : [...heaps, heapUsed].slice(-REMEMBERED_HEAPS) }
}

/** A worker that has not reported yet has not worn either. */
function asWorn (handle: WorkerHandle, wear: Wear | undefined, isChosen: boolean): WornWorker[] {
  const snapshot = handle.snapshot()
  const readyAt = handle.readyAt()
  if (wear === undefined || snapshot === undefined || readyAt === undefined) return []
  const { memory: { rss, heapLimit }, requests: { total } } = snapshot
  const state = isChosen ? 'recycling' : handle.state() === 'ready' ? 'ready' : 'other'
  return [{ key: handle.key, state, readyAt, requests: total, rss, heapUsed: heapFloor(wear.heaps, REMEMBERED_HEAPS), heapLimit, thresholds: wear.thresholds }]
}
