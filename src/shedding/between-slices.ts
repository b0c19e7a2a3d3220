// Measures the time between two slices of waiting requests, while there are some: how much of it went to work other than reading, lining up and refusing those who come.
import type { Turns } from './foreign-work.ts'
import type { LoopClock } from './turn-clock.ts'

export interface BetweenSlices {
  /** A slice has ended and others wait; of those that began in it and before, so many have not ended. */
  readonly opens: (inProgress: number) => void
  /** Nobody waits any more. */
  readonly ends: () => void
  /** A request came at this time, in ms, and was not served at once. */
  readonly came: (now: number) => void
  /** None that comes now came right after the last. */
  readonly turnEnded: () => void
  /** One that is served began or ended. */
  readonly worked: () => void
  /** What there was since the last slice; undefined where there was none, or nobody waited behind it. */
  readonly turns: (now: number) => Turns | undefined
  /** Whether the loop has slept since. */
  readonly slept: () => boolean
}

/** Who comes is read, and refused or lined up: where that takes longer until the next one, in ms, there was something else between them. */
const LONGEST_ANSWER_MS = 10

export function createBetweenSlices (clock: LoopClock): BetweenSlices {
  const since = { at: NaN, idle: 0, turns: 0, requests: 0, came: NaN, answering: 0 }
  return {
    opens (inProgress) {
      since.at = clock.now()
      since.idle = clock.idleTime()
      since.turns = clock.turns()
      // What began in the slice may do its work now.
      if (inProgress === 0) since.requests = 0
      since.answering = 0
      since.came = NaN
    },
    ends () {
      since.at = NaN
      since.requests = 0
    },
    came (now) {
      const took = now - since.came
      if (took < LONGEST_ANSWER_MS) since.answering += took
      since.came = now
    },
    turnEnded () { since.came = NaN },
    worked () {
      since.requests++
      since.came = NaN
    },
    turns (now) {
      const { at, requests } = since
      since.requests = 0
      if (Number.isNaN(at)) return undefined
      const busy = now - at - (clock.idleTime() - since.idle)
      return { took: (busy - since.answering) / Math.max(1, clock.turns() - since.turns), requests, now }
    },
    slept: () => clock.idleTime() > since.idle
  }
}
