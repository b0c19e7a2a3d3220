// Tells which share of all requests was refused lately, whatever the reason; looked at only when one is refused, so that nothing is done while none is.
import { PERIOD_MS, nextShare } from './shed-share.ts'

export interface RefusalCounts {
  /** Requests that came so far, and those of them that were refused. */
  readonly total: () => number
  readonly refused: () => number
  /** In ms. */
  readonly now: () => number
}

/** Fewer say little about the share, and so few clients may well come back together. */
const SAMPLES = 20
/** After so long without a refusal, in ms, those before it tell nothing. */
const FORGOTTEN_AFTER_MS = 1000

/** Returns what is to be called for each refusal. */
export function createRefusalShare ({ total, refused, now }: RefusalCounts): () => number {
  let share = 0
  let last = -Infinity
  const period = { since: 0, total: 0, refused: 0 }

  function begin (at: number): void {
    period.since = at
    period.total = total()
    period.refused = refused()
  }

  return () => {
    const at = now()
    const came = total() - period.total
    if (at - last > FORGOTTEN_AFTER_MS) {
      share = 0
      begin(at)
    } else if (at - period.since >= PERIOD_MS && came >= SAMPLES) {
      const shed = refused() - period.refused
      // Those that have waited came before.
      share = nextShare(share, { served: Math.max(0, came - shed), shed, elapsed: at - period.since, idle: 0 })
      begin(at)
    }
    last = at
    return share
  }
}
