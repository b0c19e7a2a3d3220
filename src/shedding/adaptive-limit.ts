// Learns how many requests in flight what is behind the app can bear: a limit only while they pile up, and only as low as makes them fast again.
import type { InFlightLimit } from './in-flight-limit.ts'

export interface AdaptiveLimitOptions {
  /** Never fewer in flight than this. */
  readonly floor: number
  /** Never more. */
  readonly ceiling: number
  /** How long requests may queue behind the app, in ms, on top of what they take when nobody waits. */
  readonly tolerance: number
}

export const ADAPTIVE_LIMIT_DEFAULTS: AdaptiveLimitOptions = { floor: 10, ceiling: 1000, tolerance: 100 }

/** What was seen since the last step; times in ms. */
export interface FlightPeriod {
  /** Mean latency of the requests that ended. */
  readonly latency: number
  /** Mean number in flight. */
  readonly inFlight: number
  /** How many more were in flight at its end than at its beginning. */
  readonly growth: number
  readonly refused: number
}

/** `base` is the latency while nobody waits, as far as known; `level` the number in flight when requests became slower than that explains. */
export type FlightState =
  | { readonly type: 'open', readonly base: number | undefined, readonly level: number | undefined }
  | { readonly type: 'limiting', readonly base: number | undefined, readonly limit: number, readonly calm: number, readonly steps: number }
  | { readonly type: 'probing', readonly base: number | undefined, readonly limit: number, readonly before: FlightPeriod }

export const OPEN: FlightState = { type: 'open', base: undefined, level: undefined }

const PERIOD_MS = 100
/** Fewer say little about the mean. */
const SAMPLES = 30
const LONGEST_PERIOD_MS = 1000
/** Latencies up to so many times the base are no sign of a queue. */
const NATURAL = 1.25
/** So many more in flight than before, in multiples of how much their number varies by chance, is a pile. */
const PILE = 4
const [LEAST_STEP, MOST_STEP] = [0.5, 1.5]
const PROBE = 0.7
const STEPS_BETWEEN_PROBES = 8
/** After so many periods in which nobody was refused the limit is not needed. */
const CALM_PERIODS = 4
/** Upwards slower than requests get that pile up slowly. */
const [LEARN_DOWN, LEARN_UP] = [0.5, 0.02]

/**
 * The step is that of Gradient2 of Netflix's concurrency-limits: the limit times tolerated latency over measured latency, which by Little's law
 * is the number in flight at which requests take as long as tolerated. What differs, by the simulation in `test/shedding/simulation`: Gradient2's
 * long-term latency follows an overload until it finds it normal, and a slower downstream looks like a queue to it until then. Here the base is
 * learned while nothing piles up, more slowly than a queue grows, and in between by experiment: with fewer in flight, requests out of a queue get
 * faster, and others do not. What piles up slowly is seen by its number: it goes on growing after requests have become slow; where they are slow
 * by nature, it stays.
 * Its Vegas takes the shortest latency for that of an empty queue, and keeps too few in flight where times vary (0.24 of what a slow downstream
 * of 100 places can do); AIMD looks at a fixed timeout, and takes a route that is slow by nature for overload (half of it refused).
 */
export function nextFlightState (state: FlightState, period: FlightPeriod, options: AdaptiveLimitOptions): FlightState {
  switch (state.type) {
    case 'open': return whileOpen(state, period, options)
    case 'limiting': return whileLimiting(state, period, options)
    case 'probing': return afterProbe(state, period, options)
  }
}

function whileOpen ({ base, level }: FlightState & { type: 'open' }, period: FlightPeriod, options: AdaptiveLimitOptions): FlightState {
  const { latency, inFlight, growth, refused } = period
  const piles = refused > 0 || isPile(growth, inFlight)
  if (base === undefined) {
    if (refused > 0) return { type: 'limiting', base, limit: within(options, inFlight * LEAST_STEP), calm: 0, steps: 0 }
    return piles ? OPEN : { type: 'open', base: latency, level: undefined }
  }
  const slow = latency > toleratedLatency(base, options)
  if (slow && (piles || (level !== undefined && isPile(inFlight - level, level)))) return { type: 'limiting', base, limit: stepDown(period, base, options), calm: 0, steps: 0 }
  // What does not pile up is as slow as it is by nature.
  return { type: 'open', base: base + (latency - base) * (latency < base ? LEARN_DOWN : piles ? 0 : LEARN_UP), level: slow ? level ?? inFlight : undefined }
}

function isPile (more: number, inFlight: number): boolean {
  return more > PILE * Math.sqrt(Math.max(1, inFlight))
}

function whileLimiting ({ base, limit, calm, steps }: FlightState & { type: 'limiting' }, period: FlightPeriod, options: AdaptiveLimitOptions): FlightState {
  const { latency, refused } = period
  const known = base === undefined ? undefined : Math.min(base, latency)
  if (refused === 0) {
    // They are slow without a limit that holds: they pile up again.
    if (known !== undefined && latency > toleratedLatency(known, options)) return { type: 'limiting', base: known, limit: Math.min(limit, stepDown(period, known, options)), calm: 0, steps }
    if (calm + 1 >= CALM_PERIODS) return { type: 'open', base: known, level: undefined }
    return { type: 'limiting', base: known, limit: within(options, limit * MOST_STEP), calm: calm + 1, steps }
  }
  const step = known === undefined ? LEAST_STEP : stepFor(latency, toleratedLatency(known, options))
  if (step < PROBE || steps >= STEPS_BETWEEN_PROBES) return { type: 'probing', base: known, limit: within(options, limit * Math.min(step, PROBE)), before: period }
  return { type: 'limiting', base: known, limit: within(options, limit * step), calm: 0, steps: steps + 1 }
}

/** In a queue latency falls with the number in flight; where it falls by less than half of that, it is not a queue's. */
function afterProbe ({ base, limit, before }: FlightState & { type: 'probing' }, period: FlightPeriod, options: AdaptiveLimitOptions): FlightState {
  const { latency, inFlight } = period
  const queued = latency / before.latency < Math.sqrt(inFlight / before.inFlight)
  if (!queued) return { type: 'limiting', base: Math.max(base ?? 0, latency), limit: within(options, before.inFlight), calm: 0, steps: 0 }
  if (base === undefined) return limit > options.floor ? { type: 'probing', base, limit: within(options, limit * LEAST_STEP), before: period } : { type: 'limiting', base: latency, limit, calm: 0, steps: 0 }
  const known = Math.min(base, latency)
  return { type: 'limiting', base: known, limit: within(options, limit * stepFor(latency, toleratedLatency(known, options))), calm: 0, steps: 0 }
}

/** From where it is, whatever the limit. */
function stepDown ({ latency, inFlight }: FlightPeriod, base: number, options: AdaptiveLimitOptions): number {
  return within(options, inFlight * stepFor(latency, toleratedLatency(base, options)))
}

function stepFor (latency: number, tolerated: number): number {
  return Math.min(MOST_STEP, Math.max(LEAST_STEP, tolerated / latency))
}

function toleratedLatency (base: number, { tolerance }: AdaptiveLimitOptions): number {
  return Math.max(base * NATURAL, base + tolerance)
}

function within ({ floor, ceiling }: AdaptiveLimitOptions, limit: number): number {
  return Math.min(ceiling, Math.max(floor, Math.ceil(limit)))
}

/** Feeds the policy with what happens, a period at a time. */
export function createAdaptiveLimit (options: AdaptiveLimitOptions): InFlightLimit & { readonly state: () => FlightState } {
  let state = OPEN
  const seen = { latency: 0, inFlight: 0, count: 0, refused: 0, inFlightAtBegin: 0, began: NaN, since: -Infinity }

  /** Waits for a request that came under the present limit: what ends before it tells of the limit before. */
  function restart (since: number): void {
    seen.since = since
    seen.began = NaN
  }

  function begin (now: number, inFlight: number): void {
    seen.began = now
    seen.inFlightAtBegin = inFlight
    seen.latency = seen.inFlight = seen.count = seen.refused = 0
  }

  return {
    limit: () => state.type === 'open' ? options.ceiling : state.limit,
    refused () { seen.refused++ },
    finished (latency, inFlight, now) {
      if (Number.isNaN(seen.began)) {
        if (now - latency < seen.since) return
        begin(now, inFlight)
      }
      seen.latency += latency
      seen.inFlight += inFlight
      seen.count++
      const elapsed = now - seen.began
      if (elapsed < PERIOD_MS || (seen.count < SAMPLES && elapsed < LONGEST_PERIOD_MS)) return
      const { count, refused } = seen
      const next = nextFlightState(state, { latency: seen.latency / count, inFlight: seen.inFlight / count, growth: inFlight - seen.inFlightAtBegin, refused }, options)
      if (next.type === 'open') begin(now, inFlight)
      else restart(now)
      state = next
    },
    state: () => state
  }
}
