// A model of a downstream with so many slots and a queue without end, and of an app that awaits it behind a limit of requests in flight.
import type { InFlightLimit } from '../../../src/shedding/in-flight-limit.ts'

export interface DownstreamModel {
  readonly random: () => number
  /** Requests a second at a time in ms. */
  readonly rate: (now: number) => number
  /** In ms. */
  readonly until: number
  readonly slots: number
  /** How long one request keeps a slot, in ms. */
  readonly service: (now: number) => number
}

export interface Flight {
  readonly came: number
  /** NaN where it was refused. */
  readonly answered: number
}

export function simulateDownstream ({ random, rate, until, slots, service }: DownstreamModel, limit: InFlightLimit): Flight[] {
  const flights: Flight[] = []
  const busy: Array<{ came: number, ends: number }> = []
  const queue: number[] = []
  let next = -Math.log(1 - random()) * 1000 / rate(0)
  let head = 0
  const start = (came: number, now: number): void => insert(busy, { came, ends: now + service(now) })
  while (next < until) {
    const first = busy.at(-1)
    if (first !== undefined && first.ends <= next) {
      busy.pop()
      limit.finished?.(first.ends - first.came, busy.length + 1 + queue.length - head, first.ends)
      flights.push({ came: first.came, answered: first.ends })
      const waiting = queue[head]
      if (waiting !== undefined) {
        head++
        start(waiting, first.ends)
      }
      continue
    }
    if (busy.length + queue.length - head >= limit.limit()) {
      limit.refused()
      flights.push({ came: next, answered: NaN })
    } else if (busy.length < slots) start(next, next)
    else queue.push(next)
    next += -Math.log(1 - random()) * 1000 / rate(next)
  }
  return flights
}

/** Kept in falling order of their ends, so that the next to end is the last. */
function insert (busy: Array<{ came: number, ends: number }>, flight: { came: number, ends: number }): void {
  let [low, high] = [0, busy.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((busy[middle]?.ends ?? 0) > flight.ends) low = middle + 1
    else high = middle
  }
  busy.splice(low, 0, flight)
}

/** Useful answers between two times, a second. */
export function usefulRate (flights: readonly Flight[], from: number, until: number, deadline: number = 500): number {
  return flights.filter(({ came, answered }) => answered >= from && answered < until && answered - came <= deadline).length / (until - from) * 1000
}

export function refusedShare (flights: readonly Flight[], from: number, until: number): number {
  const inside = flights.filter(({ came }) => came >= from && came < until)
  return inside.filter(({ answered }) => Number.isNaN(answered)).length / inside.length
}
