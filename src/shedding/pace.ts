// Lets requests begin at the pace at which the loop can do them: each spends what a request takes, and time brings it back. Pure.

export interface Pace {
  /** Whether one may begin. */
  readonly allows: () => boolean
  /** In how many ms one may, if nothing happens until then. */
  readonly allowsIn: () => number
  /** One that takes so many ms began. */
  readonly spend: (ms: number) => void
  /** The time up to now was that of others, or the loop slept in it: at most a slice of it is saved up, in ms. */
  readonly others: (now: number, slice: number) => void
  /** The time up to now was that of requests that began in it. */
  readonly own: (now: number) => void
}

/** Somewhat faster than the loop can do them, so that it has always something to do. */
const PACE = 1.1
/** In slices: handlers that do their work at once pay for it at once, and short ones may follow a long one. */
const SAVED = 10

/** @param slice what is there at the beginning, and a tenth of what may be saved up, in ms */
export function createPace (slice: number): Pace {
  // One object, because V8 changes a number in a field where it stands and boxes a new one for a variable.
  const state = { credit: slice, at: 0 }

  function pass (now: number, most: number): void {
    state.credit = Math.max(state.credit, Math.min(most, state.credit + (now - state.at) * PACE))
    state.at = now
  }

  return {
    allows: () => state.credit > 0,
    allowsIn: () => Math.max(0, Math.floor(-state.credit / PACE) + 1),
    spend (ms) { state.credit -= ms },
    others: pass,
    own: now => pass(now, slice * SAVED)
  }
}
