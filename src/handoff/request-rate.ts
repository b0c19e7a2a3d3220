// How busy a connection has been lately: an exponentially weighted moving average, one step for each request.

const MEMORY_MS = 10_000

/** Requests a second, as they stood at time `at` (ms). */
export interface RequestRate { perSecond: number, at: number }

/** The rate at a later moment, without a new request. */
export function rateAt ({ perSecond, at }: RequestRate, now: number): number {
  return perSecond * Math.exp((at - now) / MEMORY_MS)
}

/** Counts one request, in place: this runs for each request of a worker. */
export function countRequest (rate: RequestRate, now: number): void {
  rate.perSecond = rateAt(rate, now) + 1000 / MEMORY_MS
  rate.at = now
}
