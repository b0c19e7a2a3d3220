// Spreads the return of clients that were shed, so that they do not all come back in the same second. Pure.

/** In whole seconds, as HTTP has it. */
const SOONEST = 1
/** Room for twice the traffic that comes now, were all of it to return once. */
const ROOM = 2
const LATEST = 30

/** Seconds to wait: evenly from 1 up to as many as it takes to serve at the present rate what is shed in one second, with room to spare. */
export function retryAfter (share: number, random: number): number {
  const spread = Math.min(LATEST, Math.round(ROOM / (1 - Math.min(share, 1 - ROOM / LATEST))))
  return SOONEST + Math.floor(random * spread)
}
