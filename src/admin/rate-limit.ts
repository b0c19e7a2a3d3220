// Bounds how often each client may ask: a token bucket for each, in a table that cannot grow without end. Pure; the clock is the caller's.

export interface RateLimits {
  /** Requests a second in the long run. */
  readonly perSecond: number
  /** Requests at once after a rest. */
  readonly burst: number
  /** Clients remembered. */
  readonly clients: number
}

/** Returns whether the client may ask at `now` (ms). */
export type RateLimit = (client: string, now: number) => boolean

interface Bucket { left: number, at: number }

export function createRateLimit ({ perSecond, burst, clients }: RateLimits): RateLimit {
  const buckets = new Map<string, Bucket>()
  return (client, now) => {
    const { left, at } = buckets.get(client) ?? { left: burst, at: now }
    const filled = Math.min(burst, left + Math.max(0, now - at) / 1000 * perSecond)
    // Deleted first, so that the table stays in the order of use and the oldest goes.
    buckets.delete(client)
    buckets.set(client, { left: filled < 1 ? filled : filled - 1, at: now })
    if (buckets.size > clients) for (const oldest of buckets.keys()) {
      buckets.delete(oldest)
      break
    }
    return filled >= 1
  }
}
