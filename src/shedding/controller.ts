// Learns which share of the traffic to shed so that requests wait for the event loop about as long as wanted. Pure.

/** What was seen since the last step; times in ms. */
export interface LoopPeriod {
  /** How long the period was; a turn of the loop may be longer than `PERIOD_MS`. */
  readonly elapsed: number
  /** Mean time that requests had waited for the loop, shed ones included. */
  readonly delay: number
  /** Share of the time in which the loop slept. */
  readonly idle: number
  /** For how long the loop has not slept. */
  readonly busy: number
  /** The delay to hold. */
  readonly target: number
}

export interface ShedLevel {
  /** The share of the traffic to shed, 0 to 0.995. */
  readonly share: number
  /** Of the last period, in multiples of its target. */
  readonly delay: number
}

export const NO_SHEDDING: ShedLevel = { share: 0, delay: 0 }

/** A step is made at the first end of a turn after so many ms. */
export const PERIOD_MS = 20

/** A burst that is worked off sooner is no overload. */
export const OVERLOADED_AFTER_MS = 500
/** A period this long that the loop mostly slept through is not the one the share was learned for. */
export const FORGOTTEN_AFTER_MS = 1000
/** Something is always let through, since only that shows when the overload is over. */
const MAX_SHARE = 0.995
/** A loop with more time than this to sleep could take more. */
const IDLE_SHARE = 0.05
export const MOSTLY = 0.5
const RELEASE = 0.8
const BELOW_NOTICE = 0.001
/** In multiples of PERIOD_MS: one observation does not move the share further than this many. */
const LONGEST_PERIOD = 12
const INTEGRAL_GAIN = 0.01
const PROPORTIONAL_GAIN = 0.1
/** The share let through below which steps get smaller. */
const CAUTIOUS_BELOW = 0.4
const AT_ONCE_NEAR = 1.2
const AT_ONCE_FAR = 0.25
/** Shedding this much is far above the capacity. */
const FAR_SHARE = 0.5

/**
 * The step is that of PIE (RFC 8033, section 4.2), which holds the delay of a router's queue: the share changes with how far the delay is from
 * what is wanted and with how fast it moves, by smaller steps where a small change matters much. A network's queue drops what joins it; here
 * what is shed has already waited, so the share begins late, after a busy half a second, and goes fast, as soon as the loop sleeps again.
 */
export function nextLevel (level: ShedLevel, { elapsed, delay, idle, busy, target }: LoopPeriod): ShedLevel {
  const relative = delay / target
  if (level.share === 0 && busy < OVERLOADED_AFTER_MS) return { share: 0, delay: relative }
  if (elapsed > FORGOTTEN_AFTER_MS && idle > MOSTLY) return { share: 0, delay: relative }
  if (idle > IDLE_SHARE) return { share: level.share * RELEASE < BELOW_NOTICE ? 0 : level.share * RELEASE, delay: relative }
  const change = INTEGRAL_GAIN * Math.min(elapsed / PERIOD_MS, LONGEST_PERIOD) * clamp(relative - 1, -1, 2) + PROPORTIONAL_GAIN * clamp(relative - level.delay, -1, 1)
  const share = level.share + change * caution(level.share)
  return { share: clamp(share, 0, MAX_SHARE), delay: relative }
}

/** Where nearly everything is shed, a small change of the share is a large one of what is let through. */
function caution (share: number): number {
  return Math.min(1, (1 - share) / CAUTIOUS_BELOW)
}

/**
 * Requests that waited less than so many targets are served whatever the level. Near the capacity the queue is short by chance now and
 * then, and what is shed then is missed a moment later; far above it the queue fills again by itself.
 */
export function servedAtOnce (share: number): number {
  return AT_ONCE_NEAR - (AT_ONCE_NEAR - AT_ONCE_FAR) * Math.min(1, share / FAR_SHARE)
}

function clamp (value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
