// Gradient2, Vegas and AIMD as Netflix's concurrency-limits has them, to be compared with what this project uses.
import type { InFlightLimit } from '../../../src/shedding/in-flight-limit.ts'

const [FLOOR, CEILING] = [20, 1000]

export function createGradient2 ({ tolerance = 1.5, longWindow = 600, smoothing = 0.2, queue = 4 }: { tolerance?: number, longWindow?: number, smoothing?: number, queue?: number } = {}): InFlightLimit {
  let limit = FLOOR
  let long = 0
  let count = 0
  return {
    limit: () => limit,
    refused () {},
    finished (latency, inFlight) {
      const short = Math.max(latency, 0.001)
      count++
      long = count < 10 ? (long * (count - 1) + short) / count : long + (short - long) * 2 / (longWindow + 1)
      if (long / short > 2) long *= 0.95
      if (inFlight < limit / 2) return
      const gradient = Math.max(0.5, Math.min(1, tolerance * long / short))
      limit = within(limit * (1 - smoothing) + (limit * gradient + queue) * smoothing)
    }
  }
}

/** One sample for each window of a second, as its WindowedLimit feeds a limit. */
export function windowed (inner: InFlightLimit, length: number = 1000): InFlightLimit {
  let [began, sum, count, most] = [0, 0, 0, 0]
  return {
    limit: inner.limit,
    refused: inner.refused,
    finished (latency, inFlight, now) {
      sum += latency
      count++
      most = Math.max(most, inFlight)
      if (now - began < length || count < 10) return
      inner.finished?.(sum / count, most, now)
      ;[began, sum, count, most] = [now, 0, 0, 0]
    }
  }
}

export function createVegas (): InFlightLimit {
  let limit = FLOOR
  let noLoad = Infinity
  let sinceProbe = 0
  return {
    limit: () => limit,
    refused () {},
    finished (latency, inFlight) {
      const rtt = Math.max(latency, 0.001)
      if (++sinceProbe >= 30 * limit) {
        sinceProbe = 0
        noLoad = rtt
        return
      }
      if (rtt < noLoad) {
        noLoad = rtt
        return
      }
      if (inFlight * 2 < limit) return
      const log = Math.max(1, Math.log10(limit))
      const queue = Math.ceil(limit * (1 - noLoad / rtt))
      if (queue <= log) limit = within(limit + 6 * log)
      else if (queue < 3 * log) limit = within(limit + log)
      else if (queue > 6 * log) limit = within(limit - log)
    }
  }
}

export function createAimd ({ timeout = 250, backoff = 0.9 }: { timeout?: number, backoff?: number } = {}): InFlightLimit {
  let limit = FLOOR
  return {
    limit: () => Math.floor(limit),
    refused () {},
    finished (latency, inFlight) {
      if (latency > timeout) limit = within(limit * backoff)
      else if (inFlight * 2 >= limit) limit = within(limit + 1)
    }
  }
}

function within (limit: number): number {
  return Math.min(CEILING, Math.max(FLOOR, limit))
}
