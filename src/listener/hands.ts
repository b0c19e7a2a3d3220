// Who gets the next request: the worker with the fewest in its hands, where nothing is put behind a request that already takes long.

export interface Hands<Worker> {
  /**
   * The one with the fewest below the limit; of equals, the next in turn.
   *
   * @param how `at once`: only one that has none. `soon`: not behind a long request where handlers block. `however`: as long as there is room
   */
  readonly freest: (workers: readonly Worker[], how: 'at once' | 'soon' | 'however') => Worker | undefined
  /** It is sent a request. */
  readonly give: (worker: Worker) => Place
  /** It has received what was sent for this place. */
  readonly received: (place: Place) => void
  /** One of its requests has ended. */
  readonly end: (worker: Worker) => void
  /** Whether what was sent for this place should have been begun by now: for longer than usual, or `times` as long, the worker has ended nothing. */
  readonly isLate: (place: Place, times?: number) => boolean
  /** When that is looked at again, in ms. */
  readonly lateAfter: () => number
  /** One of its requests goes to another. */
  readonly letGo: (worker: Worker) => void
  readonly forget: (worker: Worker) => void
  /** How long a request takes as a rule (the median), in ms. */
  readonly usual: () => number
}

/** A request's place in the hands of a worker since `at`, in ms; `ended` is how many of those before it were over then, undefined where it was the only one. */
export interface Place { readonly hand: Hand, readonly at: number, readonly ended: number | undefined }

interface Hand {
  count: number
  ended: number
  /** Since when it works on what it works on, in ms. */
  since: number
}

// Times the usual that a request may take before nothing is sent behind it, and how long it always may, in ms.
const LONG = 1.5
const SHORT = 5
/** What was sent less long ago, in ms, is not late: a loop collects garbage, a process waits for its turn. Simulated, half of this takes but 1 % from the p99. */
const TRANSIT = 15
// How fast the usual time follows, by factor, and the share of requests that block, as a weight of the latest.
const PACE_STEP = 1.05
const BLOCKING_WEIGHT = 1 / 16

export function createHands<Worker extends { readonly key: number }> (limit: number, now: () => number = () => performance.now()): Hands<Worker> {
  const hands = new Map<Worker, Hand>()
  let lastKey = 0
  let usual: number | undefined
  let blocking = 0

  const handOf = (worker: Worker): Hand => {
    const known = hands.get(worker)
    if (known !== undefined) return known
    const hand: Hand = { count: 0, ended: 0, since: 0 }
    hands.set(worker, hand)
    return hand
  }

  const longFrom = (least: number): number => Math.max(least, LONG * (usual ?? 0))
  const isLonger = (since: number, least: number, times = 1): boolean => usual !== undefined && now() - since > longFrom(least) * times
  // A worker whose handlers wait takes the next request meanwhile; one whose handlers block lets it wait, even if another is free by then.
  const isKept = (hand: Hand): boolean => hand.count > 0 && blocking > 0.5 && isLonger(hand.since, SHORT)

  return {
    freest (workers, how) {
      let best: Worker | undefined
      let fewest = how === 'at once' ? 1 : limit
      for (const worker of inTurn(workers, lastKey)) {
        const hand = handOf(worker)
        if (hand.count >= fewest || (how === 'soon' && isKept(hand))) continue
        best = worker
        fewest = hand.count
      }
      lastKey = best?.key ?? lastKey
      return best
    },
    give (worker) {
      const hand = handOf(worker)
      const at = now()
      if (hand.count++ > 0) return { hand, at, ended: hand.ended }
      hand.since = at
      return { hand, at, ended: undefined }
    },
    received ({ hand, ended }) {
      if (ended !== undefined) blocking += ((hand.ended > ended ? 1 : 0) - blocking) * BLOCKING_WEIGHT
    },
    end (worker) {
      const hand = handOf(worker)
      const at = now()
      const time = at - hand.since
      // Follows the median: up as often as down.
      usual = usual === undefined ? time : usual * (time > usual ? PACE_STEP : 1 / PACE_STEP)
      hand.ended++
      hand.since = at
      hand.count = Math.max(0, hand.count - 1)
    },
    isLate: ({ hand, at }, times) => isLonger(Math.max(hand.since, at), TRANSIT, times),
    lateAfter: () => longFrom(TRANSIT),
    letGo (worker) {
      const hand = hands.get(worker)
      if (hand !== undefined) hand.count = Math.max(0, hand.count - 1)
    },
    forget (worker) { hands.delete(worker) },
    usual: () => usual ?? 0
  }
}

/** The workers, beginning behind the one that was last. */
function inTurn<Worker extends { readonly key: number }> (workers: readonly Worker[], lastKey: number): readonly Worker[] {
  const start = workers.findIndex(({ key }) => key > lastKey)
  return start <= 0 ? workers : [...workers.slice(start), ...workers.slice(0, start)]
}
