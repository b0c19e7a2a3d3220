// Tells how much of the traffic is shed for the sake of the event loop, and how long requests wait for it.
import { PERIOD_MS, nextShare } from './shed-share.ts'
import type { LoopClock } from './turn-clock.ts'

export interface LoopTally {
  readonly served: (waited: number) => void
  readonly shed: (waited: number) => void
  /** To be called at the end of a turn. */
  readonly turnEnded: (now: number, idleTime: number) => void
  /** Of the traffic, 0 to 1, as it was when requests came last. */
  readonly lastShare: () => number
  /** Of the traffic now, 0 to 1. */
  readonly share: () => number
  /** Mean time that requests of the last period had waited, in ms. */
  readonly delay: () => number
}

/** A period this long that the loop mostly slept through is not the one the share was learned for. */
const FORGOTTEN_AFTER_MS = 1000
export const MOSTLY = 0.5

export function createLoopTally (clock: LoopClock): LoopTally {
  const period = { began: clock.now(), idleAtBegin: clock.idleTime(), waited: 0, served: 0, shed: 0 }
  const last = { share: 0, delay: 0 }

  /** Nothing steps while nobody comes, so what was learned before a long sleep still stands there. */
  function isOver (): boolean {
    const elapsed = clock.now() - period.began
    return elapsed > FORGOTTEN_AFTER_MS && clock.idleTime() - period.idleAtBegin > elapsed * MOSTLY
  }

  return {
    served (waited) {
      period.served++
      period.waited += waited
    },
    shed (waited) {
      period.shed++
      period.waited += waited
    },
    turnEnded (now, idleTime) {
      if (now - period.began < PERIOD_MS) return
      const { served, shed, waited } = period
      last.share = nextShare(last.share, { served, shed, elapsed: now - period.began, idle: idleTime - period.idleAtBegin })
      last.delay = served + shed > 0 ? waited / (served + shed) : 0
      period.served = period.shed = period.waited = 0
      period.began = now
      period.idleAtBegin = idleTime
    },
    lastShare: () => last.share,
    share: () => isOver() ? 0 : last.share,
    delay: () => isOver() ? 0 : last.delay
  }
}
