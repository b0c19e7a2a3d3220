// Adds up what workers measured of their requests: for the histogram since the cluster began, for percentiles over the last minute.
import { durationOf, OTHER_ROUTES } from '../../measurements.ts'
import type { DurationSeries, Measurements } from '../../measurements.ts'
import type { DurationStatus } from '../status.ts'

const WINDOW = 60_000
/** As many as one worker can tell apart; reloads may bring ever new routes. */
const MAX_SERIES = 5_000

export interface RequestTimes {
  readonly add: (measured: Measurements) => void
  readonly series: () => readonly DurationSeries[]
  /** Over the last minute, or less (ms); null where no request has ended. */
  readonly percentiles: (window?: number) => DurationStatus | null
}

interface Period { readonly at: number, readonly counts: Map<number, number> }

export function createRequestTimes (now: () => number = () => performance.now()): RequestTimes {
  const all = new Map<string, DurationSeries>()
  let periods: Period[] = []

  /** One for each second, the newest last. */
  function currentPeriod (): Period {
    const at = now()
    const last = periods.at(-1)
    if (last !== undefined && at - last.at < 1000) return last
    const period = { at, counts: new Map<number, number>() }
    periods = [...periods.filter(old => at - old.at < WINDOW), period]
    return period
  }

  return {
    add ({ durations, steps }) {
      for (const series of durations) {
        const told = all.size < MAX_SERIES || all.has(keyOf(series)) ? series : { ...series, ...OTHER_ROUTES }
        all.set(keyOf(told), joined(told, all.get(keyOf(told))))
      }
      const { counts } = currentPeriod()
      for (const [step, count] of steps) counts.set(step, (counts.get(step) ?? 0) + count)
    },
    series: () => [...all.values()],
    percentiles (window = WINDOW) {
      const at = now()
      const steps = new Map<number, number>()
      for (const period of periods) {
        if (at - period.at < window) for (const [step, count] of period.counts) steps.set(step, (steps.get(step) ?? 0) + count)
      }
      return percentilesOf(steps)
    }
  }
}

function keyOf ({ method, status, route }: DurationSeries): string {
  return `${method} ${status} ${route}`
}

function joined (series: DurationSeries, before: DurationSeries | undefined): DurationSeries {
  if (before === undefined) return series
  return { ...series, counts: series.counts.map((count, bucket) => count + (before.counts[bucket] ?? 0)), sum: series.sum + before.sum }
}

function percentilesOf (steps: ReadonlyMap<number, number>): DurationStatus | null {
  const sorted = [...steps].toSorted(([a], [b]) => a - b)
  const count = sorted.reduce((sum, [, each]) => sum + each, 0)
  if (count === 0) return null
  const at = (share: number): number => {
    let below = 0
    const [step] = sorted.find(([, each]) => (below += each) >= share * count) ?? [0]
    return Math.round(durationOf(step) * 100) / 100
  }
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), count }
}
