// How busy a connection has been lately, from the bytes it has read: an exponentially weighted moving average that costs nothing per request.

const MEMORY_MS = 2_000

export interface Activity {
  /** Bytes a second. */
  readonly rate: number
  /** What the socket had read when it was last looked at. */
  readonly bytes: number
  /** When that was, in ms. */
  readonly at: number
  /** When it was last seen to have read, in ms. */
  readonly activeAt: number
}

/** One look at a connection; bytes stand for requests, which are alike enough to tell hot from cold. */
export function observe ({ rate, bytes, at, activeAt }: Activity, bytesRead: number, now: number): Activity {
  if (now <= at) return { rate, bytes, at, activeAt }
  const weight = 1 - Math.exp((at - now) / MEMORY_MS)
  const present = (bytesRead - bytes) / ((now - at) / 1000)
  return { rate: rate + weight * (present - rate), bytes: bytesRead, at: now, activeAt: bytesRead > bytes ? now : activeAt }
}
