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
  atTurnEnd: callback => { setImmediate(callback) }
}

/**
 * Node handles all requests that one poll found ready one after the other, so the time since the turn began is the time this one waited.
 * Nothing is armed between the turns that bring requests: an idle app pays nothing.
 */
export function createTurnClock (clock: LoopClock, onTurnEnd: (turn: Readonly<Turn>) => void = () => {}): TurnClock {
  const turn: Turn = { now: 0, elapsed: 0, waited: 0, busy: 0 }
  // One object, because V8 changes a number in a field where it stands and boxes a new one for a variable.
  const times = { began: 0, ended: clock.now(), turnsAtEnd: clock.turns(), idleAtEnd: clock.idleTime(), lengthBefore: 0, woke: clock.now() }
  let open = false

  function request (): void {
    const now = clock.now()
    if (!open) begin(now)
    turn.now = now
    turn.elapsed = now - times.began
    turn.waited = turn.elapsed + times.lengthBefore / 2
    turn.busy = now - times.woke
  }

  /** Where the loop slept since, nobody was waiting when it woke: what it did after that and before the first request is not known, and left out. */
  function begin (now: number): void {
    open = true
    clock.atTurnEnd(end)
    if (clock.idleTime() > times.idleAtEnd) {
      times.began = now
      times.woke = now
      times.lengthBefore = 0
      return
    }
    const turns = clock.turns() - times.turnsAtEnd
    if (turns === 1) {
      times.began = times.ended
      return
    }
    // Other work has kept the loop busy for turns in which nobody came: this request came in the last of them, whose length is about the mean.
    times.began = now
    times.lengthBefore = (now - times.ended) / Math.max(1, turns)
  }

  function end (): void {
    open = false
    times.ended = clock.now()
    times.idleAtEnd = clock.idleTime()
    times.turnsAtEnd = clock.turns()
    times.lengthBefore = times.ended - times.began
    onTurnEnd(turn)
  }

  return { turn, request }
}
