// Turns the counters that workers report into rates of the whole cluster. A report that comes a little early or late makes no peak of it: each worker's counts are divided by the time they were counted in.
import type { Snapshot } from '../snapshot.ts'
import type { Reporter } from './cluster.ts'

/** Responses a second. */
export interface Rates {
  /** Goodput: those below status 500. */
  readonly good: number
  /** Status 500 and above, and not shed. */
  readonly failed: number
  readonly shed: number
}

export interface RateMeter {
  readonly report: (reporter: Reporter, snapshot: Snapshot) => void
  /** Over what was reported since the last call. */
  readonly take: () => Rates
}

interface Track {
  /** The last report. */
  at: number
  counted: Rates
  /** Of the reports since the last `take`, and how long that was, in ms. */
  sum: Rates
  time: number
  /** What the last period with a report gave. */
  rates: Rates
}

const NO_RATES: Rates = Object.freeze({ good: 0, failed: 0, shed: 0 })
/** For so long a worker that says nothing is taken to go on as before, in ms: reports may be rarer than periods. */
const TRUSTED = 10_000

export function createRateMeter (now: () => number = () => performance.now()): RateMeter {
  const tracks = new Map<Reporter, Track>()
  let takenAt = now()
  return {
    report (reporter, snapshot) {
      const at = now()
      const counted = countsOf(snapshot)
      const track = tracks.get(reporter)
      if (track === undefined) {
        tracks.set(reporter, { at, counted, sum: NO_RATES, time: 0, rates: NO_RATES })
        return
      }
      track.sum = combine(track.sum, combine(counted, track.counted, -1))
      track.time += at - track.at
      Object.assign(track, { at, counted })
    },
    take () {
      const at = now()
      const period = at - takenAt
      takenAt = at
      let total = NO_RATES
      for (const [reporter, track] of tracks) {
        total = combine(total, ratesOf(track, { at, period, isGone: reporter.isGone() }))
        if (reporter.isGone()) tracks.delete(reporter)
      }
      return total
    }
  }
}

function ratesOf (track: Track, { at, period, isGone }: { at: number, period: number, isGone: boolean }): Rates {
  const { sum, time } = track
  track.sum = NO_RATES
  track.time = 0
  // One that has ended was there for a part of the period only.
  if (isGone) return perSecond(sum, Math.max(period, time))
  if (time > 0) track.rates = perSecond(sum, time)
  return at - track.at < TRUSTED ? track.rates : NO_RATES
}

function countsOf ({ requests: { responses, shed } }: Snapshot): Rates {
  const of = (statusClass: string): number => responses[statusClass] ?? 0
  return { good: of('1xx') + of('2xx') + of('3xx') + of('4xx'), failed: Math.max(0, of('5xx') - shed), shed }
}

function combine (a: Rates, b: Rates, sign: 1 | -1 = 1): Rates {
  return { good: a.good + sign * b.good, failed: a.failed + sign * b.failed, shed: a.shed + sign * b.shed }
}

function perSecond ({ good, failed, shed }: Rates, ms: number): Rates {
  if (ms <= 0) return NO_RATES
  return { good: good * 1000 / ms, failed: failed * 1000 / ms, shed: shed * 1000 / ms }
}
