// Tells which share of the traffic is being shed, for whoever wants to know whether this process is overloaded. Pure.

/** What was seen since the last step; times in ms. */
export interface ShedPeriod {
  readonly served: number
  readonly shed: number
  /** How long the period was; a turn of the loop may be longer than `PERIOD_MS`. */
  readonly elapsed: number
  /** For how much of it the loop slept. */
  readonly idle: number
}

/** A step is made at the first end of a turn after so many ms. */
export const PERIOD_MS = 20
/** Over about so many ms. */
const AVERAGED_MS = 200
/** A loop with more time than this to sleep could take more. */
const IDLE_SHARE = 0.05
/** For each `PERIOD_MS`. */
const RELEASE = 0.8
const BELOW_NOTICE = 0.001

export function nextShare (share: number, { served, shed, elapsed, idle }: ShedPeriod): number {
  const latest = shed === 0 ? 0 : shed / (served + shed)
  const next = latest === 0 && idle > elapsed * IDLE_SHARE ? share * RELEASE ** (elapsed / PERIOD_MS) : share + (latest - share) * elapsed / (elapsed + AVERAGED_MS)
  return next < BELOW_NOTICE ? 0 : next
}
