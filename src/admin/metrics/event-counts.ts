// Counts what the cluster's events tell: how workers ended, how reloads went, how long boots took.
import { EXIT_KINDS } from '../../exit-kinds.ts'
import type { ExitKind } from '../../exit-kinds.ts'
import type { ReloadEvent } from '../../primary/events.ts'
import type { AdminCluster } from '../cluster.ts'

/** Upper bounds in seconds; the last bucket is open. */
export const BOOT_BUCKETS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
export const RELOAD_BUCKETS: readonly number[] = [1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** What was to end anyway, in whatever way, is not lost. */
const NO_LOSS: ReadonlySet<ExitKind> = new Set(['stopped', 'retired', 'recycled', 'unhealthy', 'killed-drain-timeout', 'killed-forced'])

export interface Counted { readonly counts: readonly number[], readonly sum: number }

export interface EventCounts {
  /** By kind, also those that none has had. */
  readonly exits: ReadonlyMap<string, number>
  /** Of them, those that nobody ordered and after which another was due. */
  readonly restarts: ReadonlyMap<string, number>
  readonly reloads: Readonly<Record<'done' | 'failed', number>>
  readonly reloadTimes: Counted
  readonly bootTimes: Counted
}

export function countEvents (events: AdminCluster['events']): EventCounts {
  // From zero: Prometheus sees no increase in a series that begins with one.
  const exits = new Map<string, number>(EXIT_KINDS.map(kind => [kind, 0]))
  const restarts = new Map<string, number>(EXIT_KINDS.filter(isLoss).map(kind => [kind, 0]))
  const reloads = { done: 0, failed: 0 }
  const reloadTimes = noTimes(RELOAD_BUCKETS)
  const bootTimes = noTimes(BOOT_BUCKETS)
  events.on('worker-exit', ({ kind, expected }) => {
    count(exits, kind)
    if (!expected && isLoss(kind)) count(restarts, kind)
  })
  events.on('worker-ready', ({ bootMs }) => observe(bootTimes, BOOT_BUCKETS, bootMs))
  events.on('reload', (event: ReloadEvent) => {
    if (event.state === 'started') return
    reloads[event.state]++
    if (event.state === 'done') observe(reloadTimes, RELOAD_BUCKETS, event.duration)
  })
  return { exits, restarts, reloads, reloadTimes, bootTimes }
}

function isLoss (kind: ExitKind): boolean {
  return !NO_LOSS.has(kind)
}

function count (counts: Map<string, number>, kind: ExitKind): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

interface Times { counts: number[], sum: number }

function noTimes (bounds: readonly number[]): Times {
  return { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 }
}

function observe (times: Times, bounds: readonly number[], ms: number): void {
  const seconds = ms / 1000
  const found = bounds.findIndex(bound => seconds <= bound)
  const bucket = found === -1 ? bounds.length : found
  times.counts[bucket] = (times.counts[bucket] ?? 0) + 1
  times.sum += seconds
}
