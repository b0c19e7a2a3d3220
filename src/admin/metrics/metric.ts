// Metrics as plain data, in the form `prom-client` sums and prints.
import type { AppMetric } from '../../measurements.ts'

/** What all of this package's metrics begin with. */
export const PREFIX = 'clusterize_'

export type Labels = Readonly<Record<string, string | number>>
export type Sample = readonly [value: number | null | undefined, labels?: Labels]

/** Of one set of labels; counts by bucket, not cumulative, the last bucket is open. */
export interface HistogramSample { readonly labels?: Labels, readonly counts: readonly number[], readonly sum: number }

export function gauge (name: string, help: string, samples: readonly Sample[]): AppMetric {
  return simple('gauge', name, help, samples)
}

/** The name ends in `_total`. */
export function counter (name: string, help: string, samples: readonly Sample[]): AppMetric {
  return simple('counter', name, help, samples)
}

export function histogram (name: string, help: string, bounds: readonly number[], samples: readonly HistogramSample[]): AppMetric {
  const full = PREFIX + name
  const values = samples.flatMap(({ labels = {}, counts, sum }) => {
    let below = 0
    const buckets = [...bounds, Infinity].map((bound, index) => {
      below += counts[index] ?? 0
      return { value: below, labels: { ...labels, le: bound === Infinity ? '+Inf' : bound }, metricName: `${full}_bucket` }
    })
    return [...buckets, { value: sum, labels, metricName: `${full}_sum` }, { value: below, labels, metricName: `${full}_count` }]
  })
  return { name: full, help, type: 'histogram', aggregator: 'sum', values }
}

/** What is not known has no sample. */
function simple (type: string, name: string, help: string, samples: readonly Sample[]): AppMetric {
  const values = samples.flatMap(([value, labels = {}]) => typeof value === 'number' ? [{ value, labels }] : [])
  return { name: PREFIX + name, help, type, aggregator: 'sum', values }
}
