// A bounded first-in-first-out queue: limited in length and in the time one may wait. Pure; the clock is the caller's.
import { ENDLESS } from './patience.ts'
import type { Patience } from './patience.ts'

/** Upper bounds of the wait-time histogram, in ms; the last bucket is open. */
export const WAIT_BUCKETS: readonly number[] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000]

export interface QueueStats {
  readonly depth: number
  readonly maxDepth: number
  readonly queued: number
  readonly rejected: { readonly full: number, readonly timeout: number }
  /** Gone by themselves while they waited. */
  readonly abandoned: number
  /** Of those that had their turn; times in ms. */
  readonly waited: { readonly count: number, readonly sum: number, readonly max: number, readonly buckets: readonly number[] }
}

export interface Queue<T> {
  readonly depth: number
  readonly push: (item: T, now: number) => 'queued' | 'full'
  /** Back to the front, with the wait it had before; never refused, since it had its place. */
  readonly unshift: (item: T, now: number) => void
  readonly peek: () => T | undefined
  readonly shift: (now: number) => T | undefined
  readonly remove: (item: T) => boolean
  /** Takes out those that have waited their time, the longest first. */
  readonly expire: (now: number) => T[]
  /** When the next one has waited its time, or undefined. */
  readonly nextDeadline: () => number | undefined
  readonly stats: () => QueueStats
}

interface Limits { readonly limit: number, readonly timeout: number }

/** Of a queue that nobody has waited in. */
export const NO_WAITS: QueueStats['waited'] = Object.freeze({ count: 0, sum: 0, max: 0, buckets: Object.freeze(noBuckets()) })

function noBuckets (): number[] {
  return Array.from({ length: WAIT_BUCKETS.length + 1 }, () => 0)
}

/** A Map keeps the order of insertion and removes from the middle in constant time; items that came back wait in front of it. */
export function createQueue<T> ({ limit, timeout }: Limits, patience: Patience = ENDLESS): Queue<T> {
  const waiting = new Map<T, number>()
  const returned = new Map<T, number>()
  const since = new WeakMap<T & object, number>()
  const counts = { maxDepth: 0, queued: 0, full: 0, timeout: 0, abandoned: 0 }
  const waited = { count: 0, sum: 0, max: 0, buckets: noBuckets() }

  const depth = (): number => returned.size + waiting.size
  const first = (): [T, number] | undefined => {
    for (const entry of returned) return entry
    for (const entry of waiting) return entry
    return undefined
  }
  const take = (item: T): boolean => returned.delete(item) || waiting.delete(item)
  const mayWait = (): number => Math.min(timeout, patience.limit())
  const recordWait = (ms: number): void => {
    waited.count++
    waited.sum += ms
    waited.max = Math.max(waited.max, ms)
    const bucket = WAIT_BUCKETS.findIndex(bound => ms <= bound)
    const index = bucket === -1 ? WAIT_BUCKETS.length : bucket
    waited.buckets[index] = (waited.buckets[index] ?? 0) + 1
  }

  return {
    get depth () { return depth() },
    push (item, now) {
      if (depth() >= limit) {
        counts.full++
        return 'full'
      }
      if (depth() === 0) patience.emptied()
      waiting.set(item, now)
      since.set(item as T & object, now)
      counts.queued++
      counts.maxDepth = Math.max(counts.maxDepth, depth())
      return 'queued'
    },
    unshift (item, now) {
      returned.set(item, since.get(item as T & object) ?? now)
    },
    peek: () => first()?.[0],
    shift (now) {
      const entry = first()
      if (entry === undefined) return undefined
      take(entry[0])
      const wait = Math.max(0, now - entry[1])
      recordWait(wait)
      patience.left(wait, now)
      return entry[0]
    },
    remove (item) {
      const was = take(item)
      if (was) counts.abandoned++
      return was
    },
    expire (now) {
      const limitNow = mayWait()
      const late = [...returned, ...waiting].filter(([, at]) => now - at >= limitNow).map(([item]) => item)
      for (const item of late) take(item)
      counts.timeout += late.length
      return late
    },
    nextDeadline () {
      let oldest = Infinity
      for (const at of returned.values()) oldest = Math.min(oldest, at)
      for (const at of waiting.values()) {
        oldest = Math.min(oldest, at)
        break
      }
      return oldest === Infinity ? undefined : oldest + mayWait()
    },
    stats: () => ({
      depth: depth(),
      maxDepth: counts.maxDepth,
      queued: counts.queued,
      rejected: { full: counts.full, timeout: counts.timeout },
      abandoned: counts.abandoned,
      waited: { ...waited, buckets: [...waited.buckets] }
    })
  }
}
