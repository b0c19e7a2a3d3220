// Learns how much of the loop's time a request takes, all that it does in later turns included. Pure.

/** Time the loop was busy, in ms, in how many turns, and the requests that began and ended in it, all fading. */
export interface ServiceTime {
  readonly busy: number
  readonly turns: number
  readonly begun: number
  readonly ended: number
}

export const UNKNOWN_SERVICE: ServiceTime = { busy: 0, turns: 0, begun: 0, ended: 0 }

/** Of busy time, in ms. */
const AVERAGED_MS = 250

/** One long handler does not make the others long: of a turn so many times what its requests take as a rule counts at most. */
const OUTLIER = 4

export function nextServiceTime (service: ServiceTime, latest: ServiceTime): ServiceTime {
  const usual = perRequest(service, 0) * Math.max(1, latest.begun, latest.ended)
  const busy = usual > 0 ? Math.min(latest.busy, usual * OUTLIER) : latest.busy
  const fade = Math.exp(-busy / AVERAGED_MS)
  return {
    busy: service.busy * fade + busy,
    turns: service.turns * fade + latest.turns,
    begun: service.begun * fade + latest.begun,
    ended: service.ended * fade + latest.ended
  }
}

/**
 * In ms; 0 while nothing is known. Long streams begin and do not end, so the larger number counts.
 *
 * @param foreign what of each turn goes to work that is no request's, in ms
 */
export function perRequest ({ busy, turns, begun, ended }: ServiceTime, foreign: number): number {
  const count = Math.max(begun, ended)
  return count > 0 ? Math.max(0, busy - foreign * turns) / count : 0
}
