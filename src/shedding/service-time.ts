// Learns how much of the loop's time a request takes, all that it does in later turns included. Pure.

/** Time the loop was busy, in ms, and the requests that began and ended in it, all fading. */
export interface ServiceTime {
  readonly busy: number
  readonly begun: number
  readonly ended: number
}

export const UNKNOWN_SERVICE: ServiceTime = { busy: 0, begun: 0, ended: 0 }

/** Of busy time, in ms. */
const AVERAGED_MS = 250

export function nextServiceTime (service: ServiceTime, latest: ServiceTime): ServiceTime {
  const fade = Math.exp(-latest.busy / AVERAGED_MS)
  return {
    busy: service.busy * fade + latest.busy,
    begun: service.begun * fade + latest.begun,
    ended: service.ended * fade + latest.ended
  }
}

/** In ms; 0 while nothing is known. Long streams begin and do not end, so the larger number counts. */
export function perRequest ({ busy, begun, ended }: ServiceTime): number {
  const count = Math.max(begun, ended)
  return count > 0 ? busy / count : 0
}
