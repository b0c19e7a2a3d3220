// Decides which worker has served long enough and is to be replaced, one at a time. Pure.
import type { ResolvedOptions } from '../options/types.ts'

export type RecycleOptions = ResolvedOptions['recycle']

/** One worker's own limits, drawn at its birth; Infinity where there is none. */
export type RecycleThresholds = Readonly<Record<'maxRequests' | 'maxAge' | 'maxRss' | 'maxHeap' | 'heapShare' | 'minAge', number>>

export interface WornWorker {
  readonly key: number
  /** Ready, or going because of an earlier choice; others are not looked at. */
  readonly state: 'ready' | 'recycling' | 'other'
  /** When it became ready, on the clock of `now`. */
  readonly readyAt: number
  readonly requests: number
  /** Bytes. */
  readonly rss: number
  /** Bytes in use after the last collection; see `heapFloor`. */
  readonly heapUsed: number
  readonly heapLimit: number
  readonly thresholds: RecycleThresholds
}

export interface RecycleReason {
  readonly limit: 'maxRequests' | 'maxAge' | 'maxRss' | 'maxHeap' | 'heapShare'
  readonly value: number
  readonly threshold: number
}

export interface RecycleChoice { readonly key: number, readonly reason: RecycleReason }

export function drawThresholds (options: RecycleOptions, random: () => number): RecycleThresholds {
  const draw = (limit: number | false): number => limit === false ? Infinity : limit * (1 + options.jitter * (2 * random() - 1))
  return Object.freeze({
    maxRequests: draw(options.maxRequests),
    maxAge: draw(options.maxAge),
    maxRss: draw(options.maxRss),
    maxHeap: draw(options.maxHeap),
    // Near the limit there is no room to draw from.
    heapShare: options.heapShare === false ? Infinity : options.heapShare,
    minAge: options.minAge
  })
}

/**
 * What survives a collection, of the heap sizes last reported (oldest first): between collections the heap holds
 * garbage too, and shortly before one it is nearly full in good health.
 */
export function heapFloor (reported: readonly number[], last = 10): number {
  return reported.length === 0 ? 0 : Math.min(...reported.slice(-last))
}

/** The limit a worker is furthest beyond; a heap about to be full counts before all others. */
export function dueForRecycle (worker: WornWorker, now: number): RecycleReason | undefined {
  const { thresholds } = worker
  const age = now - worker.readyAt
  const heapShare: RecycleReason = { limit: 'heapShare', value: worker.heapLimit > 0 ? worker.heapUsed / worker.heapLimit : 0, threshold: thresholds.heapShare }
  if (isBeyond(heapShare)) return heapShare
  const settled = age >= thresholds.minAge
  const reasons: RecycleReason[] = [
    { limit: 'maxRequests', value: worker.requests, threshold: thresholds.maxRequests },
    { limit: 'maxAge', value: age, threshold: thresholds.maxAge },
    { limit: 'maxRss', value: settled ? worker.rss : 0, threshold: thresholds.maxRss },
    { limit: 'maxHeap', value: settled ? worker.heapUsed : 0, threshold: thresholds.maxHeap }
  ]
  return reasons.filter(isBeyond).toSorted((a, b) => excess(b) - excess(a))[0]
}

/** The one to be replaced now, if any: nobody while another is still on its way, else the most urgent. */
export function chooseRecycle (workers: readonly WornWorker[], now: number): RecycleChoice | undefined {
  if (workers.some(({ state }) => state === 'recycling')) return undefined
  const due = workers.filter(({ state }) => state === 'ready').flatMap(worker => {
    const reason = dueForRecycle(worker, now)
    return reason === undefined ? [] : [{ key: worker.key, reason }]
  })
  return due.toSorted((a, b) => urgency(b.reason) - urgency(a.reason))[0]
}

function isBeyond ({ value, threshold }: RecycleReason): boolean {
  return value >= threshold
}

function excess ({ value, threshold }: RecycleReason): number {
  return threshold > 0 ? value / threshold : Infinity
}

function urgency (reason: RecycleReason): number {
  return reason.limit === 'heapShare' ? Infinity : excess(reason)
}
