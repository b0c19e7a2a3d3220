// What a worker measures for the metrics of the admin server, as it travels: increments since the last message, data only.

/** Upper bounds of the histogram of request durations, in seconds; the last bucket is open. */
export const DURATION_BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Where more routes are known than are told apart. */
export const OTHER_ROUTES = { method: '', route: '(other)' } as const

/** Requests of one route and class of status. */
export interface DurationSeries {
  readonly method: string
  /** The route's pattern; empty where no route matched. */
  readonly route: string
  /** '2xx' and so on. */
  readonly status: string
  /** By bucket, not cumulative. */
  readonly counts: readonly number[]
  /** In seconds. */
  readonly sum: number
}

/** A metric of the app's own registry, as `getMetricsAsJSON()` of `prom-client` tells it. */
export interface AppMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  readonly values: ReadonlyArray<{ readonly value: number, readonly labels: Readonly<Record<string, string | number>>, readonly metricName?: string }>
}

export interface Measurements {
  readonly durations: readonly DurationSeries[]
  /** The same over all routes in fine steps, for percentiles: step and count. */
  readonly steps: ReadonlyArray<readonly [step: number, count: number]>
}

// Eight steps to a doubling: a percentile is exact within 5 %.
const STEPS_PER_DOUBLING = 8
/** The shortest duration that is told from shorter ones, in ms. */
const SHORTEST = 0.01
export const STEPS = 200

/** Which step a duration in ms belongs to. */
export function stepOf (ms: number): number {
  return ms <= SHORTEST ? 0 : Math.min(STEPS - 1, Math.ceil(Math.log2(ms / SHORTEST) * STEPS_PER_DOUBLING))
}

/** The middle of a step, in ms. */
export function durationOf (step: number): number {
  return SHORTEST * 2 ** ((step - 0.5) / STEPS_PER_DOUBLING)
}
