// Says for each request whether to serve it: first the event loop is asked, then the limit of requests in flight.
import type { InFlightLimit } from './in-flight-limit.ts'
import { createLoopShedder } from './loop-shedder.ts'
import type { PerPriority, Priority, Standing } from './priorities.ts'
import { retryAfter } from './retry-after.ts'
import { systemClock } from './turn-clock.ts'
import type { LoopClock } from './turn-clock.ts'

export type OverloadReason = 'queue-delay' | 'in-flight'

/** What becomes of a request that comes; one that waits is to be told to `wait`. */
export type Admission = 'serve' | 'wait' | OverloadReason

/** What becomes of one that waited. */
export interface Waiters<Item> {
  /** Its client has left, or was answered: it is forgotten. */
  readonly isGone: (item: Item) => boolean
  readonly serve: (item: Item) => void
  readonly refuse: (item: Item, reason: OverloadReason, priority: Priority) => void
}

export interface ShedderOptions<Item> {
  /** How long requests may wait for the event loop, in ms; `false`: the loop is no reason to shed. */
  readonly maxQueueDelay: number | false
  /** Undefined for none. */
  readonly inFlight?: InFlightLimit | undefined
  readonly waiters: Waiters<Item>
  readonly clock?: LoopClock
  readonly random?: () => number
}

export interface ShedderStats {
  /** Requests that count towards the limit; 0 without one. */
  readonly inFlight: number
  /** Infinity without one. */
  readonly limit: number
  /** Whether what mattered least of all that came so far, or what is normal, would find no place now. */
  readonly isFull: boolean
  /** Requests that wait for the event loop. */
  readonly waiting: number
  /** The share of the traffic shed for the sake of the event loop, 0 to 1. */
  readonly share: number
  /** Mean time requests had waited for the event loop lately, in ms. */
  readonly delay: number
}

export interface Shedder<Item> {
  /**
   * What becomes of this request. To be called as the first thing for each request.
   * Its standing is asked for only where it matters: not while the loop has time and nothing limits what is in flight.
   */
  readonly admit: <Request>(request: Request, standingOf: (request: Request) => Standing) => Admission
  /** The request asked for last waits for its turn. */
  readonly wait: (item: Item) => void
  /** The client of one that waits has left: those behind it come sooner. */
  readonly left: () => void
  /** When the last request was asked for, in ms. */
  readonly seenAt: () => number
  /** When the last request was admitted, in ms, to be told to `finished` at its end; NaN where it does not count as in flight. */
  readonly admittedAt: () => number
  /** What was to be done for a request that was admitted is done: its place in the limit is free. `finished` is told NaN then. */
  readonly freed: (admittedAt: number) => void
  /** A request that was admitted gives its place back until it resumes. */
  readonly paused: () => void
  /** Whether it has a place again, with a new time for `freed`; a refusal where it has none. */
  readonly resumes: (priority: Priority) => boolean
  /** A request that was admitted ended, whether answered or left by its client. */
  readonly finished: (admittedAt: number) => void
  /** Seconds for the header `Retry-After` of one answer, where this share of the requests is refused. */
  readonly retryAfter: (share: number) => number
  readonly stats: () => ShedderStats
}

/** What each priority may have of the limit: the last places are kept for what matters more. */
const LIMIT_FACTOR: PerPriority = { critical: 1, normal: 0.9, sheddable: 0.75 }

export function createShedder<Item> ({ maxQueueDelay, inFlight, waiters, clock = systemClock, random = Math.random }: ShedderOptions<Item>): Shedder<Item> {
  const loop = createLoopShedder<Item>({
    maxQueueDelay: maxQueueDelay === false ? Infinity : maxQueueDelay,
    clock,
    isGone: waiters.isGone,
    serve (item, priority) {
      admittedAt = NaN
      if (hasPlace(priority)) {
        begin(clock.now())
        waiters.serve(item)
      } else waiters.refuse(item, 'in-flight', priority)
    },
    refuse: (item, priority) => waiters.refuse(item, 'queue-delay', priority)
  })
  let current = 0
  let admittedAt = NaN
  let waiting: Priority = 'normal'
  let least: Priority = 'normal'

  /** Rounded up, so that a limit of one is one for all. */
  function fits (priority: Priority): boolean {
    return inFlight === undefined || current < Math.ceil(inFlight.limit() * LIMIT_FACTOR[priority])
  }

  function hasPlace (priority: Priority): boolean {
    if (fits(priority)) return true
    inFlight?.refused()
    return false
  }

  function begin (now: number): void {
    loop.begun()
    if (inFlight === undefined) return
    current++
    admittedAt = now
  }

  function freed (admittedAt: number): void {
    if (inFlight?.finished !== undefined) {
      const now = clock.now()
      inFlight.finished(now - admittedAt, current, now)
    }
    current--
  }

  return {
    admit (request, standingOf) {
      admittedAt = NaN
      const isPressed = loop.arrived()
      if (!isPressed && inFlight === undefined) {
        loop.begun()
        return 'serve'
      }
      const standing = standingOf(request)
      if (standing === 'sheddable') least = standing
      const decision = isPressed ? loop.decide(standing) : 'serve'
      if (standing === 'exempt') loop.begun()
      if (standing === 'exempt' || decision === 'queue-delay') return decision
      if (!hasPlace(standing)) return 'in-flight'
      if (decision === 'serve') begin(loop.now())
      else waiting = standing
      return decision
    },
    wait (item) { loop.join(item, waiting) },
    left: loop.left,
    seenAt: loop.now,
    admittedAt: () => admittedAt,
    freed,
    paused () { current-- },
    resumes (priority) {
      if (!hasPlace(priority)) return false
      current++
      admittedAt = clock.now()
      return true
    },
    finished (admittedAt) {
      loop.finished()
      if (!Number.isNaN(admittedAt)) freed(admittedAt)
    },
    retryAfter: share => retryAfter(share, random()),
    stats: () => ({ inFlight: current, limit: inFlight?.limit() ?? Infinity, isFull: !fits(least), waiting: loop.waiting(), share: loop.share(), delay: loop.delay() })
  }
}
