// Takes a share of a stream of requests, evenly: closer to the share over a few requests than a coin toss for each would be.

export interface Thinning {
  /** Whether this one is among the share. */
  readonly takes: (share: number) => boolean
}

/**
 * Error diffusion: what is due adds up, and one is taken when it passes a threshold. Of 40 requests at a share of 0.9 a coin leaves
 * 4 give or take 2, which is a turn of the loop half as long or twice as long as wanted; this leaves 4 give or take 1 at most.
 * The threshold is drawn anew each time, so that traffic with a rhythm of its own (a b a b) does not lose the same requests always.
 */
export function createThinning (random: () => number): Thinning {
  const state = { due: 0, threshold: random() }
  return {
    takes (share) {
      state.due += share
      if (state.due <= state.threshold) return false
      state.due -= 1
      state.threshold = random()
      return true
    }
  }
}
