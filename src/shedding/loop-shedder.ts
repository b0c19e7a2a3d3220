// Decides for each request whether the event loop has the time for it now, whether it is to wait, or whether it would wait too long.
import { createAdmissionQueue } from './admission-queue.ts'
import type { Waiting } from './admission-queue.ts'
import { createBetweenSlices } from './between-slices.ts'
import { createForeignWork } from './foreign-work.ts'
import { MOSTLY, createLoopTally } from './loop-tally.ts'
import { createPace } from './pace.ts'
import type { PerPriority, Priority, Standing } from './priorities.ts'
import { UNKNOWN_SERVICE, nextServiceTime, perRequest } from './service-time.ts'
import { createTurnClock } from './turn-clock.ts'
import type { LoopClock } from './turn-clock.ts'

export interface LoopShedder<Item> {
  /** Takes note of a request, as the first thing. False where it is served at once whatever it is; else `decide` is to be asked. */
  readonly arrived: () => boolean
  /** What becomes of the request that arrived. One that waits is to `join`. */
  readonly decide: (standing: Standing) => 'serve' | 'wait' | 'queue-delay'
  readonly join: (item: Item, priority: Priority) => void
  /** The client of one that waits has left. */
  readonly left: () => void
  /** One is being served, at once or after a wait. */
  readonly begun: () => void
  /** One that was served has ended. */
  readonly finished: () => void
  readonly waiting: () => number
  /** When the request that arrived last was seen, in ms. */
  readonly now: () => number
  /** The share of the traffic being shed, 0 to 1. */
  readonly share: () => number
  /** Mean time that requests of the last period had waited, in ms. */
  readonly delay: () => number
}

export interface LoopShedderOptions<Item> {
  /** How long what is critical may wait, in ms; the others somewhat less. */
  readonly maxQueueDelay: number
  readonly clock: LoopClock
  /** Whether nobody waits for its answer any more. */
  readonly isGone: (item: Item) => boolean
  /** Serves one that has waited. */
  readonly serve: (item: Item, priority: Priority) => void
  /** Refuses one that has waited too long. */
  readonly refuse: (item: Item, priority: Priority) => void
}

/** How long each priority may wait, as a multiple of the delay: whoever would only wait for what matters more is refused at once. */
const PATIENCE: PerPriority = { critical: 1.25, normal: 1, sheddable: 0.75 }
/** What matters more may still come between, and requests differ: who has joined waits somewhat longer than was foreseen. */
const OVERDUE = 1.25
/** Before somebody has waited for so long all the time, it is a burst or one slow handler, and no overload; in multiples of the delay. */
const OVERLOADED_AFTER = 2.5
/** For how long waiting requests are served before the loop looks for new ones; as a share of the delay. */
const SLICE = 0.25
/** Of one more request that may begin at once, from slice to slice in which the loop has not slept. */
const LEAD_KEPT = 0.9
/** A turn that was so long without requests that had waited shows that too many have begun; as a share of the delay. */
const BEHIND = 0.5

/**
 * Requests that one poll of the loop finds ready are a queue that Node works off in the order of their sockets. Once one has waited for longer than
 * a slice, those that follow wait here instead, where they have a priority: a slice of them is served, then the loop looks for new ones, and so on.
 * Who would wait longer than may be is refused at once, which takes microseconds where it is done for many in a row.
 *
 * Where handlers await, most of their work comes in turns after the one they began in, and all at once if they began all at once. So requests begin
 * at the pace at which the loop has been ending them, and next to none after a turn that was long without them.
 */
export function createLoopShedder<Item> ({ maxQueueDelay, clock, isGone, serve, refuse }: LoopShedderOptions<Item>): LoopShedder<Item> {
  const slice = maxQueueDelay * SLICE
  const limits = scaled(PATIENCE, maxQueueDelay)
  const overdueAfter = scaled(limits, OVERDUE)
  const overloadedAfter = maxQueueDelay * OVERLOADED_AFTER
  /** With so much to do, whoever is last would be found overdue in an overload, even if nobody else came. */
  const hopeless = overloadedAfter + overdueAfter.critical
  const queue = createAdmissionQueue<Item>()
  const pace = createPace(slice)
  const tally = createLoopTally(clock)
  const foreign = createForeignWork(maxQueueDelay * BEHIND)
  const between = createBetweenSlices(clock)
  const latest = { since: NaN, idleBefore: NaN, turnsBefore: 0, begun: 0, ended: 0 }
  let service = UNKNOWN_SERVICE
  let waitingSince = NaN
  let inProgress = 0
  let armed = false
  let someLeft = false
  let lead = 0
  let cancelTimer: (() => void) | undefined
  const { turn, request } = createTurnClock(clock, atTurnEnd, () => tally.lastShare() > 0 || queue.size() > 0)

  function atTurnEnd (now: number, idle: number, turns: number): void {
    const slept = idle - latest.idleBefore
    // While it mostly sleeps, what the loop does besides counts too much.
    if (slept <= (now - latest.since) * MOSTLY) service = nextServiceTime(service, { busy: now - latest.since - slept, turns: turns - latest.turnsBefore, begun: latest.begun, ended: latest.ended })
    latest.since = now
    latest.idleBefore = idle
    latest.turnsBefore = turns
    latest.begun = latest.ended = 0
    tally.turnEnded(now, idle)
    between.turnEnded()
  }

  function isOverloaded (now: number): boolean {
    return tally.lastShare() > 0 || now - waitingSince > overloadedAfter || timeFor(queue.size()) > hopeless
  }

  /** What a request takes of the loop's time, in ms. */
  function cost (): number {
    return perRequest(service, foreign.perTurn())
  }

  /** How long it takes for so many to be served, in ms, with the work of others between their slices. */
  function timeFor (requests: number): number {
    return requests * cost() * (1 + foreign.perTurn() / sliceNow())
  }

  /** As long as the work of others that comes between, or requests would have next to nothing of the loop. */
  function sliceNow (): number {
    return Math.max(slice, Math.min(maxQueueDelay, foreign.perTurn()))
  }

  /** Nobody waits for a loop that has nothing to do. */
  function mayBegin (): boolean {
    return inProgress === 0 || pace.allows()
  }

  function arm (): void {
    if (armed) return
    if (mayBegin()) {
      armed = true
      clock.atTurnEnd(work)
    } else cancelTimer ??= clock.after(pace.allowsIn(), work)
  }

  function work (): void {
    armed = false
    cancelTimer?.()
    cancelTimer = undefined
    const began = clock.now()
    const most = mostToBegin(began)
    // Nobody is given a chance in this turn.
    if (most === 0) waitingSince = began
    const longest = sliceNow()
    // Those that began last were too few: all of them waited at once for something else.
    lead = between.slept() ? cost() : lead * LEAD_KEPT
    pace.others(began, longest + lead)
    if (someLeft) queue.forget(isGone)
    someLeft = false
    try {
      if (isOverloaded(began)) refuseLate(began)
      for (let count = 0; count < most && mayBegin() && clock.now() - began < longest; count++) if (!serveNext()) break
    } finally {
      pace.own(clock.now())
      leave()
    }
  }

  function mostToBegin (now: number): number {
    const turns = between.turns(now)
    if (turns !== undefined) foreign.saw(turns)
    return foreign.most(turns?.took ?? NaN, now, cost())
  }

  /** All but what a slice can serve: where the loop was kept for so long that all are late, it would serve nobody. */
  function refuseLate (now: number): void {
    while (queue.size() * cost() > slice) {
      const late = queue.overdue(now, overdueAfter)
      if (late === undefined) return
      if (isGone(late.item)) continue
      tally.shed(waitOf(late, now))
      refuse(late.item, late.priority)
    }
  }

  function serveNext (): boolean {
    let next = queue.next()
    while (next !== undefined && isGone(next.item)) next = queue.next()
    if (next === undefined) return false
    tally.served(waitOf(next, clock.now()))
    pace.spend(cost())
    serve(next.item, next.priority)
    return true
  }

  function leave (): void {
    if (queue.size() === 0) {
      waitingSince = NaN
      between.ends()
    } else {
      between.opens(inProgress)
      arm()
    }
  }

  return {
    arrived () {
      request()
      between.came(turn.now)
      if (turn.waited > slice || queue.size() > 0 || tally.lastShare() > 0) return true
      tally.served(turn.waited)
      return false
    },
    decide (standing) {
      if (standing === 'exempt') {
        tally.served(turn.waited)
        return 'serve'
      }
      if (timeFor(queue.ahead(standing)) <= limits[standing] || !isOverloaded(turn.now)) return 'wait'
      tally.shed(turn.waited)
      return 'queue-delay'
    },
    join (item, priority) {
      if (queue.size() === 0) waitingSince = turn.now
      queue.join({ item, priority, joined: turn.now, waited: turn.waited })
      arm()
    },
    left () { someLeft = true },
    begun () {
      latest.begun++
      between.worked()
      inProgress++
    },
    finished () {
      // Its work may have kept the loop for long, while nobody was seen to come.
      request()
      latest.ended++
      between.worked()
      // Some began before they were counted.
      inProgress = Math.max(0, inProgress - 1)
      if (queue.size() > 0) arm()
    },
    waiting: queue.size,
    now: () => turn.now,
    share: tally.share,
    delay: tally.delay
  }
}

/** In ms, before it was seen too. */
function waitOf ({ joined, waited }: Waiting<unknown>, now: number): number {
  return waited + now - joined
}

function scaled (values: Readonly<PerPriority>, factor: number): PerPriority {
  return { critical: values.critical * factor, normal: values.normal * factor, sheddable: values.sheddable * factor }
}
