// Counts what the cluster's events tell: how workers ended, how reloads went, how long boots took.
import type { ReloadEvent } from '../../primary/events.ts'
import type { AdminCluster } from '../cluster.ts'

/** Upper bounds in seconds; the last bucket is open. */
export const BOOT_BUCKETS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
export const RELOAD_BUCKETS: readonly number[] = [1, 2.5, 5, 10, 30, 60, 120, 300, 600]

export interface Counted { readonly counts: readonly number[], readonly sum: number }

export interface EventCounts {
  readonly exits: ReadonlyMap<string, number>
  readonly reloads: Readonly<Record<'done' | 'failed', number>>
  readonly reloadTimes: Counted
  readonly bootTimes: Counted
}

export function countEvents (events: AdminCluster['events']): EventCounts {
  const exits = new Map<string, number>()
  const reloads = { done: 0, failed: 0 }
  const reloadTimes = noTimes(RELOAD_BUCKETS)
  const bootTimes = noTimes(BOOT_BUCKETS)
  events.on('worker-exit', ({ kind }) => { exits.set(kind, (exits.get(kind) ?? 0) + 1) })
  events.on('worker-ready', ({ bootMs }) => observe(bootTimes, BOOT_BUCKETS, bootMs))
  events.on('reload', (event: ReloadEvent) => {
    if (event.state === 'started') return
    reloads[event.state]++
    if (event.state === 'done') observe(reloadTimes, RELOAD_BUCKETS, event.duration)
  })
  return { exits, reloads, reloadTimes, bootTimes }
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
