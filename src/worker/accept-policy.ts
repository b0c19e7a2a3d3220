// Decides from how many copies of its listening socket a worker accepts, by what became of the last turns of its loop.

/** What was seen of some turns of the loop. */
export interface Intake {
  /** Connections that were accepted, by the server's own socket and its copies. */
  readonly accepted: number
  readonly turns: number
  /** How long they took together, and how long the loop slept, in ms. */
  readonly elapsed: number
  readonly idle: number
}

/** A turn that takes longer than so many connections need is cut short by the shedder. */
export const MOST_COPIES = 127
/** Shares of the time. A loop that sleeps `RESTS` of it would be woken for connections that others take; one that sleeps less than `NEVER` leaves some waiting. */
const [RESTS, NEVER] = [0.5, 0.05]
/** What a busy loop has at least: with some connections a turn it has fewer turns to make for as many. */
const USEFUL = 3
/** Connections a turn and socket: from here on more wait than are taken, and below there are too many sockets, each of which costs a call that finds nobody. */
const [CROWDED, SPARSE] = [0.95, 0.2]
/** Turns this short, in ms, keep nobody waiting: who takes more in them leaves nothing for the others. */
const SHORT_TURN = 2

export function nextCopies (copies: number, { accepted, turns, elapsed, idle }: Intake): number {
  const each = accepted / turns / (copies + 1)
  const half = Math.floor(copies / 2)
  if (idle > RESTS * elapsed) return half
  if (idle > NEVER * elapsed || each < SPARSE) return Math.max(USEFUL, half)
  return each > CROWDED && elapsed > SHORT_TURN * turns ? MOST_COPIES : Math.max(USEFUL, copies)
}
