// What the primary has sent to workers that they have not received: a queue of its own, since a busy worker receives one connection a turn of its loop.

export interface Transit<Worker> {
  readonly sent: (worker: Worker) => void
  /** It has received one, or will not. */
  readonly arrived: (worker: Worker) => void
  /** How long what is sent now waits until it is received, in ms, as far as can be told. */
  readonly delay: (worker: Worker) => number
  readonly forget: (worker: Worker) => void
}

interface Way {
  underway: number
  /** From one receipt to the next while there was something to receive, in ms. */
  gap: number
  /** The last receipt, while there is more to receive; before the first, when that was sent. */
  at: number
  received: boolean
}

/** Of the latest gap. */
const WEIGHT = 1 / 8
/** As long as nothing is known of a worker, in ms. */
const FIRST_GAP = 5

export function createTransit<Worker> (now: () => number = () => performance.now()): Transit<Worker> {
  const ways = new Map<Worker, Way>()

  const wayTo = (worker: Worker): Way => {
    const known = ways.get(worker)
    if (known !== undefined) return known
    const way: Way = { underway: 0, gap: FIRST_GAP, at: 0, received: false }
    ways.set(worker, way)
    return way
  }

  return {
    sent (worker) {
      const way = wayTo(worker)
      if (way.underway++ > 0) return
      way.at = now()
      way.received = false
    },
    arrived (worker) {
      const way = ways.get(worker)
      if (way === undefined) return
      const at = now()
      const gap = way.gap + (at - way.at - way.gap) * WEIGHT
      // From sending to the receipt it is a while even where nothing is before it: that tells that a long gap is over, and no more.
      way.gap = way.received ? gap : Math.min(way.gap, Math.max(FIRST_GAP, gap))
      way.underway--
      way.at = at
      way.received = true
    },
    delay (worker) {
      const { underway, gap } = wayTo(worker)
      return underway * gap
    },
    forget (worker) { ways.delete(worker) }
  }
}
