// Learns how much of each turn of the loop goes to work that is no request's: a batch job, a consumer of messages, one long handler in pieces. Pure.

/** What the turns since the last slice of requests took, in ms: one of them on average, without the slice, without sleep and without those who came and wait or were refused. */
export interface Turns {
  readonly took: number
  /** How many requests began or ended in them. */
  readonly requests: number
  readonly now: number
}

export interface ForeignWork {
  readonly saw: (turns: Turns) => void
  /** What of a turn is not the requests', in ms. */
  readonly perTurn: () => number
  /**
   * How many requests may begin now: next to none where too many have, and none at all while it is to be seen what a turn is without any.
   *
   * @param took how long a turn took, in ms; NaN where that is not known
   * @param cost what a request seems to take of the loop's time, in ms
   */
  readonly most: (took: number, now: number, cost: number) => number
}

/** How long foreign work that was found is believed in, in ms: at first, and at last. */
const [BELIEVED_MS, LONGEST_BELIEVED_MS] = [1_000, 8_000]
/** How long it is believed that there is none, in ms, unless requests seem to take so many times longer: to look costs those in progress their overlap. */
const [NONE_BELIEVED_MS, DEARER] = [30_000, 3]
/** Requests in progress end within a few turns, or work on in each: then they are part of what a turn is without others. */
const LONGEST_LOOK_TURNS = 4
/** Of the time that makes a turn a long one: foreign work that takes less is of no importance. */
const OF_IMPORTANCE = 0.25
/** And a turn that takes less is no reason to look. */
const SUSPICIOUS = 0.5

/** @param long a turn that takes so much longer than the foreign work in it shows that too many requests have begun, in ms */
export function createForeignWork (long: number): ForeignWork {
  const state = { perTurn: 0, looksFor: 0, lookedAt: -Infinity, believedFor: BELIEVED_MS, cost: 0 }

  function mayLook (took: number, now: number, cost: number): boolean {
    const ago = now - state.lookedAt
    if (state.perTurn > long * OF_IMPORTANCE) return ago > state.believedFor
    return took > long * SUSPICIOUS && (ago > NONE_BELIEVED_MS || (ago > BELIEVED_MS && cost > state.cost * DEARER))
  }

  return {
    saw ({ took, requests, now }) {
      if (requests > 0) {
        state.perTurn = Math.min(state.perTurn, took)
        return
      }
      const isNew = Math.abs(took - state.perTurn) > long * OF_IMPORTANCE
      state.believedFor = isNew ? BELIEVED_MS : state.believedFor
      state.perTurn = took
      state.looksFor = 0
      state.lookedAt = now
    },
    perTurn: () => state.perTurn,
    most (took, now, cost) {
      if (state.looksFor > 0) state.looksFor--
      else if (mayLook(took, now, cost)) {
        state.looksFor = LONGEST_LOOK_TURNS
        state.lookedAt = now
        state.believedFor = Math.min(LONGEST_BELIEVED_MS, state.believedFor * 2)
        state.cost = cost
      }
      if (state.looksFor > 0) return 0
      return took - state.perTurn > long ? 1 : Infinity
    }
  }
}
