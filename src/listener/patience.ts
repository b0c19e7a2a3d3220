// How long one may wait in the queue: as its time limit says, and in a lasting overload only as long as an answer is worth waiting for.

export interface Patience {
  /** One has had its turn, after so many ms. */
  readonly left: (waited: number, now: number) => void
  /** Nobody waits any more. */
  readonly emptied: () => void
  /** In ms; Infinity while there is no lasting overload. */
  readonly limit: () => number
}

/** For so long, in ms, all must have waited too long, and so many: a few requests that take their time are no overload. */
const [LASTING_MS, MANY] = [500, 10]
/** In a lasting overload all wait about as long as they may: it is over once one has waited but this share of it. */
const OVER = 0.5

export const ENDLESS: Patience = { left () {}, emptied () {}, limit: () => Infinity }

/**
 * A queue that never empties adds the same delay to every request, and nothing to what is done. Like CoDel (RFC 8289) this looks at the delay of
 * those that leave the queue, over an interval: one burst passes, a standing queue does not. Where CoDel drops some until the delay falls, this
 * refuses each that has waited too long, since a request, unlike a packet, is answered.
 *
 * @param maxDelay what is too long, in ms, at this moment
 */
export function createPatience (maxDelay: () => number): Patience {
  let state: 'calm' | 'late' | 'overloaded' = 'calm'
  let since = 0
  let late = 0
  return {
    left (waited, now) {
      if (waited <= maxDelay() * (state === 'overloaded' ? OVER : 1)) {
        state = 'calm'
        return
      }
      if (state === 'calm') {
        state = 'late'
        since = now
        late = 0
      }
      late++
      if (now - since >= LASTING_MS && late >= MANY) state = 'overloaded'
    },
    emptied () { state = 'calm' },
    limit: () => state === 'overloaded' ? maxDelay() : Infinity
  }
}
