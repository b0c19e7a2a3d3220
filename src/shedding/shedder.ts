// Says for each request whether to serve it: first the event loop is asked, then the limit of requests in flight.
import { createNoLimit } from './in-flight-limit.ts'
import type { InFlightLimit } from './in-flight-limit.ts'
import { createLoopShedder } from './loop-shedder.ts'
import type { LoopReason } from './loop-shedder.ts'
import type { PerPriority, Priority } from './priorities.ts'
import { retryAfter } from './retry-after.ts'
import { systemClock } from './turn-clock.ts'
import type { LoopClock } from './turn-clock.ts'

export type ShedReason = LoopReason | 'in-flight'

export interface ShedderOptions {
  /**
   * How long a request may wait for the event loop, in ms: what one turn of the loop may take before the rest of it is shed.
   * In a lasting overload requests wait about a third of it.
   *
   * @default 100
   */
  readonly maxQueueDelay?: number | false
  /** @default no limit */
  readonly inFlight?: InFlightLimit
  readonly clock?: LoopClock
  readonly random?: () => number
}

export interface ShedderStats {
  readonly inFlight: number
  /** Infinity without a limit. */
  readonly limit: number
  /** The share of the traffic shed for the sake of the event loop, 0 to 1. */
  readonly share: number
  /** Mean time requests had waited for the event loop lately, in ms. */
  readonly delay: number
  /** Requests shed so far, by reason and priority. */
  readonly shed: Readonly<Record<ShedReason, Readonly<PerPriority>>>
}

export interface Shedder {
  /**
   * Why this request is to be shed, or undefined: then it counts as in flight until `finished`.
   * To be called as the first thing for each request.
   */
  readonly admit: (priority: Priority) => ShedReason | undefined
  /** An admitted request ended, so many ms after it was admitted; also when its client left. */
  readonly finished: (latency: number) => void
  /** Seconds for the header `Retry-After` of one answer. */
  readonly retryAfter: () => number
  readonly stats: () => ShedderStats
}

/** What each priority may have of the limit: the last places are kept for what matters more. */
const LIMIT_FACTOR: PerPriority = { critical: 1, normal: 0.9, sheddable: 0.75 }
const DEFAULT_MAX_QUEUE_DELAY = 100

export function createShedder ({ maxQueueDelay = DEFAULT_MAX_QUEUE_DELAY, inFlight = createNoLimit(), clock = systemClock, random = Math.random }: ShedderOptions = {}): Shedder {
  const loop = createLoopShedder({ maxQueueDelay: maxQueueDelay === false ? Infinity : maxQueueDelay, clock, random })
  const shed: Record<ShedReason, PerPriority> = { 'turn-budget': none(), 'queue-delay': none(), 'in-flight': none() }
  let current = 0

  function decide (priority: Priority): ShedReason | undefined {
    const reason = loop.decide(priority)
    if (reason !== undefined) return reason
    // Rounded up, so that a limit of one is one for all.
    if (current < Math.ceil(inFlight.limit() * LIMIT_FACTOR[priority])) return undefined
    inFlight.refused()
    return 'in-flight'
  }

  return {
    admit (priority) {
      const reason = decide(priority)
      if (reason === undefined) current++
      else shed[reason][priority]++
      return reason
    },
    finished (latency) {
      inFlight.finished(latency, current, clock.now())
      current--
    },
    retryAfter: () => retryAfter(loop.share(), random()),
    stats: () => ({ inFlight: current, limit: inFlight.limit(), share: loop.share(), delay: loop.delay(), shed: structuredClone(shed) })
  }
}

function none (): PerPriority {
  return { critical: 0, normal: 0, sheddable: 0 }
}
