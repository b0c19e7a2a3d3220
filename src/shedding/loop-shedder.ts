// Decides for each request whether the event loop has the time for it: a bound for one turn, and a share to shed in the steady state.
import { FORGOTTEN_AFTER_MS, MOSTLY, NO_SHEDDING, OVERLOADED_AFTER_MS, PERIOD_MS, nextLevel, servedAtOnce } from './controller.ts'
import { nextMix, spread } from './priorities.ts'
import type { PerPriority, Standing } from './priorities.ts'
import { UNKNOWN_SERVICE, nextServiceTime, targetDelay } from './target-delay.ts'
import type { ServiceTime } from './target-delay.ts'
import { createThinning } from './thinning.ts'
import { createTurnClock } from './turn-clock.ts'
import type { LoopClock } from './turn-clock.ts'

export type LoopReason = 'turn-budget' | 'queue-delay'

export interface LoopShedder {
  /** Takes note of a request, as the first thing. False where it is served whatever it is; else `decide` is to be asked. */
  readonly arrived: () => boolean
  /** Why the request that arrived is to be shed, or undefined to serve it. */
  readonly decide: (standing: Standing) => LoopReason | undefined
  /** When the request that arrived last was seen, in ms. */
  readonly now: () => number
  /** The share of the traffic being shed by the controller, 0 to 1. */
  readonly share: () => number
  /** Mean time that requests of the last period had waited, in ms. */
  readonly delay: () => number
}

/** How much of a turn each priority may use, as a multiple of the budget. */
const BUDGET_FACTOR: PerPriority = { critical: 1.5, normal: 1, sheddable: 0.75 }
/** A loop that slept this recently meets a burst or one slow handler, and is not overloaded yet; as a multiple of the budget. */
const BUDGET_AFTER = 2.5
/** Long enough before the first step of the controller to know the mix of the traffic by then, and no earlier, since to ask has its price. */
const PRESSED_AFTER_MS = OVERLOADED_AFTER_MS / 2
/** In targets: what is critical is shed from a queue that is too long and never to make room, which the share left for the others does. */
const CRITICAL_AT_ONCE = 1

export interface LoopShedderOptions {
  /** The budget of one turn, in ms. */
  readonly maxQueueDelay: number
  readonly clock: LoopClock
  readonly random: () => number
}

export function createLoopShedder ({ maxQueueDelay, clock, random }: LoopShedderOptions): LoopShedder {
  const thinnings = { critical: createThinning(random), normal: createThinning(random), sheddable: createThinning(random) }
  const seen: PerPriority = { critical: 0, normal: 0, sheddable: 0 }
  const pressedAfter = Math.min(PRESSED_AFTER_MS, maxQueueDelay * BUDGET_AFTER)
  const period = { began: clock.now(), idleAtBegin: clock.idleTime(), waited: 0, came: 0, served: 0, delay: 0 }
  let service: ServiceTime = UNKNOWN_SERVICE
  let mix: PerPriority = { critical: 0, normal: 0, sheddable: 0 }
  let shares = mix
  let level = NO_SHEDDING
  /** Who waited less is served. */
  const atOnce: PerPriority = { critical: Infinity, normal: Infinity, sheddable: Infinity }
  const { turn, request } = createTurnClock(clock, () => {
    const now = clock.now()
    if (now - period.began >= PERIOD_MS) step(now)
  }, () => level.share > 0)

  function step (now: number): void {
    const idleTime = clock.idleTime()
    const elapsed = now - period.began
    const idle = idleTime - period.idleAtBegin
    service = nextServiceTime(service, elapsed - idle, period.served)
    const target = targetDelay(maxQueueDelay, service)
    period.delay = period.waited / period.came
    level = nextLevel(level, { elapsed, delay: period.delay, idle: idle / elapsed, busy: turn.busy, target })
    mix = nextMix(mix, seen)
    shares = spread(level.share, mix)
    atOnce.critical = target * Math.max(CRITICAL_AT_ONCE, servedAtOnce(level.share))
    atOnce.normal = atOnce.sheddable = target * servedAtOnce(level.share)
    seen.critical = seen.normal = seen.sheddable = 0
    period.waited = period.came = period.served = 0
    period.began = now
    period.idleAtBegin = idleTime
  }

  /** Nothing steps while nobody comes, so what was learned before a long sleep still stands there. */
  function isOver (): boolean {
    const elapsed = clock.now() - period.began
    return elapsed > FORGOTTEN_AFTER_MS && clock.idleTime() - period.idleAtBegin > elapsed * MOSTLY
  }

  return {
    arrived () {
      request()
      period.waited += turn.waited
      period.came++
      if (level.share > 0 || turn.busy > pressedAfter) return true
      period.served++
      return false
    },
    decide (standing) {
      if (standing !== 'exempt') {
        seen[standing]++
        if (turn.elapsed > maxQueueDelay * BUDGET_FACTOR[standing] && turn.busy > maxQueueDelay * BUDGET_AFTER) return 'turn-budget'
        if (level.share > 0 && turn.waited > atOnce[standing] && thinnings[standing].takes(shares[standing])) return 'queue-delay'
      }
      period.served++
      return undefined
    },
    now: () => turn.now,
    share: () => isOver() ? 0 : level.share,
    delay: () => isOver() ? 0 : period.delay
  }
}
