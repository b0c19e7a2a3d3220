// Tells how long a request has waited for the event loop, from the turn it is found in and the turn before.
import { performance } from 'node:perf_hooks'

/** What a turn clock reads; times in ms. */
export interface LoopClock {
  readonly now: () => number
  /** How long the loop has slept since the process began. */
  readonly idleTime: () => number
  /** How many turns the loop has made, those that brought no request too. */
  readonly turns: () => number
  /** Calls back in this turn of the loop, after all requests that were ready and before the loop polls again. */
  readonly atTurnEnd: (callback: () => void) => void
  /** Calls back after so many ms, unless what it returns is called before. */
  readonly after: (ms: number, callback: () => void) => () => void
}

/** What is known of the current turn; the object stays the same, so that a request allocates nothing. Times in ms. */
export interface Turn {
  /** When the request that came last was seen. */
  now: number
  /** How long the turn had lasted then. */
  elapsed: number
  /** How long a request that is seen now has waited on average: it came somewhere in the turn before. */
  waited: number
  /** For how long the loop has not slept. */
  busy: number
}

export interface TurnClock {
  readonly turn: Readonly<Turn>
  /** Takes the time for a request that begins now. */
  readonly request: () => void
}

const { nodeTiming } = performance

export const systemClock: LoopClock = {
  now: () => performance.now(),
  idleTime: () => nodeTiming.idleTime,
  turns: () => nodeTiming.uvMetricsInfo.loopCount,
  atTurnEnd: callback => { setImmediate(callback) },
  after (ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  }
}

/** A loop that slept more recently, in ms, keeps nobody waiting that would be worth the callback at the end of its turn. */
export const FOLLOWED_AFTER_MS = 20
/** Whether the loop has slept is looked up no more often than this, in ms: among thousands of requests a second the reading would be one for each. */
const LOOK_EVERY_MS = 1

/**
 * Node handles all requests that one poll found ready one after the other, so the time since the turn began is the time this one waited.
 * Turns are followed only once the loop has not slept for a while: until then nothing is armed, and a request costs one reading of the time.
 *
 * @param mustFollow whether to follow all turns
 */
export function createTurnClock (clock: LoopClock, onTurnEnd: (now: number, idleTime: number, turns: number) => void = () => {}, mustFollow: () => boolean = () => false): TurnClock {
  const turn: Turn = { now: 0, elapsed: 0, waited: 0, busy: 0 }
  // One object, because V8 changes a number in a field where it stands and boxes a new one for a variable.
  const times = { began: 0, ended: 0, turnsAtEnd: NaN, idle: clock.idleTime(), lengthBefore: 0, woke: clock.now(), looked: -Infinity }
  let open = false

  function request (): void {
    const now = clock.now()
    turn.now = now
    if (!open && !opens(now)) return
    turn.elapsed = now - times.began
    turn.waited = turn.elapsed + times.lengthBefore / 2
    turn.busy = now - times.woke
  }

  /** Whether this turn is followed. Where the loop has slept nobody was waiting when it woke, and what it did before that counts no more. */
  function opens (now: number): boolean {
    // Not followed a moment ago, and nothing can have changed that since.
    if (now - times.looked < LOOK_EVERY_MS) return false
    const idle = clock.idleTime()
    const slept = idle > times.idle
    if (slept) {
      times.idle = idle
      times.woke = now
      times.turnsAtEnd = NaN
    }
    turn.elapsed = turn.waited = 0
    turn.busy = now - times.woke
    if (turn.busy < FOLLOWED_AFTER_MS && !mustFollow()) {
      times.looked = now
      return false
    }
    open = true
    clock.atTurnEnd(end)
    begin(now)
    return true
  }

  function begin (now: number): void {
    const turns = clock.turns() - times.turnsAtEnd
    if (turns === 1) {
      times.began = times.ended
      return
    }
    times.began = now
    // Other work has kept the loop busy for turns in which nobody came: this request came in the last of them, whose length is about the mean.
    times.lengthBefore = turns > 1 ? (now - times.ended) / turns : 0
  }

  function end (): void {
    open = false
    times.ended = clock.now()
    times.idle = clock.idleTime()
    times.turnsAtEnd = clock.turns()
    times.lengthBefore = times.ended - times.began
    onTurnEnd(times.ended, times.idle, times.turnsAtEnd)
  }

  return { turn, request }
}
