// Chooses the delay to hold: long enough that the loop does not run empty by chance, which takes a queue of a few requests. Pure.

/** Time the loop was busy and the requests it served in it, both fading. */
export interface ServiceTime {
  readonly busy: number
  readonly served: number
}

export const UNKNOWN_SERVICE: ServiceTime = { busy: 0, served: 0 }

const FADE = 0.9
/** As a share of the budget. */
const LEAST = 1 / 2
const MOST = 2 / 3
/** A queue shorter than this many handlers is empty too often. */
const HANDLERS = 2

export function nextServiceTime (service: ServiceTime, busy: number, served: number): ServiceTime {
  return { busy: service.busy * FADE + busy, served: service.served * FADE + served }
}

/** In ms; `maxQueueDelay` is the budget of one turn. */
export function targetDelay (maxQueueDelay: number, { busy, served }: ServiceTime): number {
  const perRequest = served > 0 ? busy / served : 0
  return Math.min(maxQueueDelay * MOST, Math.max(maxQueueDelay * LEAST, HANDLERS * perRequest))
}
