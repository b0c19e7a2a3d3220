// Joins one app to its shedder: who is admitted, how the others are answered, and what is told of it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ResolvedPluginOptions } from '../options/plugin-types.ts'
import type { SheddingState } from '../snapshot.ts'
import { ADAPTIVE_LIMIT_DEFAULTS, createAdaptiveLimit } from '../shedding/adaptive-limit.ts'
import { createFixedLimit } from '../shedding/in-flight-limit.ts'
import type { InFlightLimit } from '../shedding/in-flight-limit.ts'
import type { Standing } from '../shedding/priorities.ts'
import { createShedCounts } from '../shedding/shed-counts.ts'
import type { ShedReason } from '../shedding/shed-counts.ts'
import { createShedder } from '../shedding/shedder.ts'
import { createShedAnswer } from './shed-answer.ts'
import { createShedLog } from './shed-log.ts'
import { createStandings } from './standings.ts'
import type { StandingOf } from './standings.ts'

export interface Shedding {
  /** False where nothing but under-pressure may shed: then `admit` need not be called. */
  readonly admits: boolean
  /** Why this request is to be refused, or undefined. To be called as the first thing for each request; a refusal is counted and logged. */
  readonly admit: (request: FastifyRequest) => ShedReason | undefined
  /** When the last request was admitted, to be told to `finished` at its end; NaN where nobody wants to know. */
  readonly admittedAt: () => number
  readonly finished: (admittedAt: number) => void
  readonly standingOf: StandingOf
  /** Somebody else has decided that this request is refused. */
  readonly count: (request: FastifyRequest, reason: ShedReason) => void
  readonly answer: (reply: FastifyReply, reason: ShedReason, retryAfter?: number) => void
  readonly retryAfter: () => number
  /** Whether requests are being shed for the sake of the event loop. */
  readonly isOverloaded: () => boolean
  readonly total: () => number
  readonly state: () => SheddingState
}

type Headers = ReadonlyArray<readonly [name: string, value: string]>

export function createShedding (app: FastifyInstance, { shedding, reasonHeader }: Pick<ResolvedPluginOptions, 'shedding' | 'reasonHeader'>, headers: () => Headers): Shedding {
  const { maxQueueDelay, maxInFlight } = shedding
  const shedder = createShedder({ maxQueueDelay, inFlight: limitOf(maxInFlight) })
  const answer = createShedAnswer(headers, reasonHeader)
  const counts = createShedCounts()
  const log = createShedLog(app, counts)
  const standingOf = createStandings(app, shedding)
  let standing: Standing = 'normal'

  const ask = (request: FastifyRequest): Standing => standing = standingOf(request)

  function count (reason: ShedReason): void {
    // What is exempt is never refused.
    if (standing !== 'exempt') counts.count(reason, standing)
    log()
  }

  return {
    admits: maxQueueDelay !== false || maxInFlight !== false,
    admit (request) {
      const reason = shedder.admit(request, ask)
      if (reason !== undefined) count(reason)
      return reason
    },
    admittedAt: shedder.admittedAt,
    finished: shedder.finished,
    standingOf,
    count (request, reason) {
      ask(request)
      count(reason)
    },
    answer: (reply, reason, retryAfter = shedder.retryAfter()) => answer(reply, reason, retryAfter),
    retryAfter: shedder.retryAfter,
    isOverloaded: () => shedder.stats().share > 0,
    total: counts.total,
    state () {
      const { share, delay, limit } = shedder.stats()
      return { share: rounded(share), delay: rounded(delay), limit: limit === Infinity ? null : limit, shed: counts.byReason() }
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
