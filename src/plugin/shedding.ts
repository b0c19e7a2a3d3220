// Joins one app to its shedder: who is admitted, how the others are answered, and what is told of it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ResolvedPluginOptions } from '../options/plugin-types.ts'
import type { SheddingState } from '../snapshot.ts'
import { ADAPTIVE_LIMIT_DEFAULTS, createAdaptiveLimit } from '../shedding/adaptive-limit.ts'
import { createFixedLimit } from '../shedding/in-flight-limit.ts'
import type { InFlightLimit } from '../shedding/in-flight-limit.ts'
import type { Standing } from '../shedding/priorities.ts'
import { createRefusalShare } from '../shedding/refusal-share.ts'
import { createShedCounts } from '../shedding/shed-counts.ts'
import type { ShedReason } from '../shedding/shed-counts.ts'
import { createShedder } from '../shedding/shedder.ts'
import type { Admission, OverloadReason, Shedder } from '../shedding/shedder.ts'
import { createShedAnswer } from './shed-answer.ts'
import { createShedLog } from './shed-log.ts'
import { createStandings } from './standings.ts'
import type { RouteSettings, StandingOf } from './standings.ts'
import type { WaitingRequest } from './waiting-request.ts'

export interface Shedding {
  /** False where nothing but under-pressure may shed: then `admit` need not be called. */
  readonly admits: boolean
  /** What becomes of this request: one that waits is to be told to `wait`. To be called as the first thing for each request; a refusal is counted and logged. */
  readonly admit: (request: FastifyRequest) => Admission
  readonly wait: Shedder<WaitingRequest>['wait']
  /** The client of one that waits has left. */
  readonly left: () => void
  /** When `admit` was called last, on the clock of `performance.now()`. */
  readonly seenAt: () => number
  /** When the last request was admitted, to be told to `finished` at its end; NaN where nobody wants to know. */
  readonly admittedAt: () => number
  readonly finished: (admittedAt: number) => void
  readonly freed: Shedder<WaitingRequest>['freed']
  readonly paused: Shedder<WaitingRequest>['paused']
  /** Whether a request that was paused has a place again; a refusal is not counted yet. */
  readonly resumes: (request: FastifyRequest) => boolean
  readonly standingOf: StandingOf
  /** Somebody else has decided that this request is refused. */
  readonly count: (request: FastifyRequest, reason: ShedReason) => void
  readonly answer: (reply: FastifyReply, reason: ShedReason, retryAfter?: number) => void
  readonly retryAfter: () => number
  /** Whether requests are being shed for the sake of the event loop, or one that comes now would find no place of the limit. */
  readonly isOverloaded: () => boolean
  /** Who can tell whether there is pressure of another kind. */
  readonly setPressure: (isUnderPressure: () => boolean) => void
  readonly total: () => number
  readonly state: () => SheddingState
}

/** What the gate does with requests that have waited for the event loop; refusals are counted by then. */
export interface WaitingRequests {
  readonly isGone: (waiting: WaitingRequest) => boolean
  readonly serve: (waiting: WaitingRequest) => void
  readonly refuse: (waiting: WaitingRequest, reason: OverloadReason) => void
}

type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** What the gate knows. */
interface Known {
  /** That each answer carries. */
  readonly headers: () => Headers
  /** How many have come so far. */
  readonly requests: () => number
  readonly routes: RouteSettings
}

export function createShedding (app: FastifyInstance, { shedding, reasonHeader }: Pick<ResolvedPluginOptions, 'shedding' | 'reasonHeader'>, { headers, requests, routes }: Known, { isGone, serve, refuse }: WaitingRequests): Shedding {
  const { maxQueueDelay, maxInFlight } = shedding
  const shedder = createShedder<WaitingRequest>({
    maxQueueDelay,
    inFlight: limitOf(maxInFlight),
    waiters: {
      isGone,
      serve,
      refuse (waiting, reason, priority) {
        standing = priority
        count(reason)
        refuse(waiting, reason)
      }
    }
  })
  const answer = createShedAnswer(headers, reasonHeader)
  const counts = createShedCounts()
  const log = createShedLog(app, counts)
  const refusalShare = createRefusalShare({ total: requests, refused: counts.total, now: () => performance.now() })
  const standingOf = createStandings(app, shedding, routes)
  let standing: Standing = 'normal'
  let isUnderPressure = (): boolean => false

  function isOverloaded (): boolean {
    const { share, isFull } = shedder.stats()
    return share > 0 || isFull
  }

  const retryAfter = (): number => shedder.retryAfter(refusalShare())
  const ask = (request: FastifyRequest): Standing => standing = standingOf(request)

  function count (reason: ShedReason): void {
    // What is exempt is never refused.
    if (standing !== 'exempt') counts.count(reason, standing)
    log()
  }

  return {
    admits: maxQueueDelay !== false || maxInFlight !== false,
    admit (request) {
      const admission = shedder.admit(request, ask)
      if (admission !== 'serve' && admission !== 'wait') count(admission)
      return admission
    },
    wait: shedder.wait,
    left: shedder.left,
    seenAt: shedder.seenAt,
    admittedAt: shedder.admittedAt,
    finished: shedder.finished,
    freed: shedder.freed,
    paused: shedder.paused,
    resumes (request) {
      const asked = ask(request)
      // Only its route could exempt it, and has not.
      return shedder.resumes(asked === 'exempt' ? 'critical' : asked)
    },
    standingOf,
    count (request, reason) {
      ask(request)
      count(reason)
    },
    answer: (reply, reason, seconds = retryAfter()) => answer(reply, reason, seconds),
    retryAfter,
    isOverloaded,
    setPressure (told) { isUnderPressure = told },
    total: counts.total,
    state () {
      const { share, delay, limit } = shedder.stats()
      return { active: isOverloaded() || isUnderPressure(), share: rounded(share), delay: rounded(delay), limit: limit === Infinity ? null : limit, shed: counts.byReason() }
    }
  }
}

function limitOf (maxInFlight: number | 'adaptive' | false): InFlightLimit | undefined {
  if (maxInFlight === false) return undefined
  return maxInFlight === 'adaptive' ? createAdaptiveLimit(ADAPTIVE_LIMIT_DEFAULTS) : createFixedLimit(maxInFlight)
}

function rounded (value: number): number {
  return Math.round(value * 1000) / 1000
}
