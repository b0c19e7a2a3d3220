// Says for each request whether to serve it: first the event loop is asked, then the limit of requests in flight.
import type { InFlightLimit } from './in-flight-limit.ts'
import { createLoopShedder } from './loop-shedder.ts'
import type { LoopReason } from './loop-shedder.ts'
import type { PerPriority, Standing } from './priorities.ts'
import { retryAfter } from './retry-after.ts'
import { systemClock } from './turn-clock.ts'
import type { LoopClock } from './turn-clock.ts'

export type OverloadReason = LoopReason | 'in-flight'

export interface ShedderOptions {
  /** How long one turn of the event loop may take before the rest of it is shed, in ms; `false`: the loop is no reason to shed. */
  readonly maxQueueDelay: number | false
  /** Undefined for none. */
  readonly inFlight?: InFlightLimit | undefined
  readonly clock?: LoopClock
  readonly random?: () => number
}

export interface ShedderStats {
  /** Requests that count towards the limit; 0 without one. */
  readonly inFlight: number
  /** Infinity without one. */
  readonly limit: number
  /** The share of the traffic shed for the sake of the event loop, 0 to 1. */
  readonly share: number
  /** Mean time requests had waited for the event loop lately, in ms. */
  readonly delay: number
}

export interface Shedder {
  /**
   * Why this request is to be shed, or undefined. To be called as the first thing for each request.
   * Its standing is asked for only where it matters: not while the loop has time and nothing limits what is in flight.
   */
  readonly admit: <Request>(request: Request, standingOf: (request: Request) => Standing) => OverloadReason | undefined
  /** When the last request was asked for, in ms. */
  readonly seenAt: () => number
  /** When the last request was admitted, in ms, to be told to `finished` at its end; NaN where it does not count as in flight. */
  readonly admittedAt: () => number
  /** A request that counts ended, whether answered or left by its client. */
  readonly finished: (admittedAt: number) => void
  /** Seconds for the header `Retry-After` of one answer. */
  readonly retryAfter: () => number
  readonly stats: () => ShedderStats
}

/** What each priority may have of the limit: the last places are kept for what matters more. */
const LIMIT_FACTOR: PerPriority = { critical: 1, normal: 0.9, sheddable: 0.75 }

export function createShedder ({ maxQueueDelay, inFlight, clock = systemClock, random = Math.random }: ShedderOptions): Shedder {
  const loop = createLoopShedder({ maxQueueDelay: maxQueueDelay === false ? Infinity : maxQueueDelay, clock, random })
  let current = 0
  let counts = false

  function decide (standing: Standing, isPressed: boolean): OverloadReason | undefined {
    const reason = isPressed ? loop.decide(standing) : undefined
    if (reason !== undefined || inFlight === undefined || standing === 'exempt') return reason
    // Rounded up, so that a limit of one is one for all.
    if (current < Math.ceil(inFlight.limit() * LIMIT_FACTOR[standing])) {
      current++
      counts = true
      return undefined
    }
    inFlight.refused()
    return 'in-flight'
  }

  return {
    admit (request, standingOf) {
      counts = false
      const isPressed = loop.arrived()
      if (!isPressed && inFlight === undefined) return undefined
      return decide(standingOf(request), isPressed)
    },
    seenAt: loop.now,
    admittedAt: () => counts ? loop.now() : NaN,
    finished (admittedAt) {
      if (inFlight?.finished !== undefined) {
        const now = clock.now()
        inFlight.finished(now - admittedAt, current, now)
      }
      current--
    },
    retryAfter: () => retryAfter(loop.share(), random()),
    stats: () => ({ inFlight: current, limit: inFlight?.limit() ?? Infinity, share: loop.share(), delay: loop.delay() })
  }
}
