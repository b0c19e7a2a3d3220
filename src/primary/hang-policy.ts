// Decides whether a silent worker stalls or hangs, on a clock that stands still while the primary itself does. Pure.

export interface HangOptions {
  /** How often a worker reports and the primary looks, in ms. */
  readonly interval: number
  /** A report that is late by so much, in ms, is worth a warning. */
  readonly stallWarning: number
  /** Silence for so long, in ms, is a hang; false turns the check off. */
  readonly hangTimeout: number | false
}

/**
 * Time during which the primary was awake, in ms. A suspended machine, a stopped process group or a breakpoint in the
 * primary stops the workers' reports too, or at least their arrival: such time must not count as their silence.
 */
export interface AwakeClock {
  readonly awake: number
  /** When the primary last looked, on its monotonic clock. */
  readonly lastTick: number
}

/** One ready worker. */
export interface WatchedWorker {
  readonly key: number
  /** When it last reported, or else became ready: what `awakeTime` said then. */
  readonly lastSeen: number
  /** A debugger may hold it: whoever attached one wants it to stand still. */
  readonly inspected: boolean
}

export type HangVerdict = 'ok' | 'warn' | 'hung'

/** Between two looks so many intervals count at most: beyond, the primary was not there to hear anything. */
const LATE_INTERVALS = 2

export function initialAwake (now: number): AwakeClock {
  return { awake: 0, lastTick: now }
}

/** The awake clock's time between two ticks. */
export function awakeTime ({ awake, lastTick }: AwakeClock, now: number, { interval }: HangOptions): number {
  return awake + Math.max(0, Math.min(now - lastTick, interval * LATE_INTERVALS))
}

/** The primary looks, once an interval: the clock goes on, and each worker gets its verdict. */
export function tickHang (clock: AwakeClock, workers: readonly WatchedWorker[], now: number, options: HangOptions): { clock: AwakeClock, verdicts: ReadonlyMap<number, HangVerdict> } {
  const awake = awakeTime(clock, now, options)
  return {
    clock: { awake, lastTick: now },
    verdicts: new Map(workers.map(worker => [worker.key, judge(worker, awake, options)]))
  }
}

function judge ({ lastSeen, inspected }: WatchedWorker, awake: number, { interval, stallWarning, hangTimeout }: HangOptions): HangVerdict {
  const silence = awake - lastSeen
  if (inspected) return 'ok'
  // A report is expected once an interval: a shorter limit would condemn a worker that is on time.
  if (hangTimeout !== false && silence >= Math.max(hangTimeout, interval * LATE_INTERVALS)) return 'hung'
  return silence >= interval + stallWarning ? 'warn' : 'ok'
}
