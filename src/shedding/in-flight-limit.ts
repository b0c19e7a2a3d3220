// How many requests may be in flight at once: the interface, and the limit that stays where it is put.

export interface InFlightLimit {
  /** Requests that may be in flight now. */
  readonly limit: () => number
  /** A request was refused because the limit was reached. */
  readonly refused: () => void
  /** A served request ended, with so many in flight, itself included; times in ms. Left out where nothing is learned from it. */
  readonly finished?: (latency: number, inFlight: number, now: number) => void
}

export function createFixedLimit (limit: number): InFlightLimit {
  return { limit: () => limit, refused () {} }
}
