// Keeps the last 15 minutes of the cluster in a few numbers each two seconds, so that charts show what was before somebody looked.
import type { AdminCluster } from './cluster.ts'
import type { RateMeter } from './rate-meter.ts'
import type { DurationStatus } from './status.ts'

/** Rates are of requests a second, times in ms. */
export interface Sample {
  readonly at: number
  /** Answered with a status below 500; with 500 and above, and not shed; shed. */
  readonly good: number
  readonly failed: number
  readonly shed: number
  /** How long requests took that ended in the last seconds; null while there are none. */
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  /** Utilization of the event loops, 0 to 1: the mean over the workers that are ready, and the highest. */
  readonly utilization: number
  readonly busiest: number
}

export interface Sampler {
  /** The oldest first. */
  readonly samples: () => readonly Sample[]
  /** Calls back with each new one, until the returned function is called. */
  readonly listen: (listener: (sample: Sample) => void) => () => void
  readonly close: () => void
}

/** In ms. */
export const SAMPLE_INTERVAL = 2_000
const KEPT = 15 * 60_000
// A percentile of two seconds' requests would jump where traffic is low.
const DURATION_WINDOW = 5_000

export interface SamplerParts {
  readonly cluster: Pick<AdminCluster, 'workers'>
  readonly meter: Pick<RateMeter, 'take'>
  readonly durations: (window: number) => DurationStatus | null
}

export function startSampler (parts: SamplerParts): Sampler {
  const samples: Sample[] = []
  const listeners = new Set<(sample: Sample) => void>()
  const timer = setInterval(() => {
    const sample = takeSample(parts)
    if (samples.push(sample) > KEPT / SAMPLE_INTERVAL) samples.shift()
    for (const listener of listeners) listener(sample)
  }, SAMPLE_INTERVAL).unref()
  return {
    samples: () => samples,
    listen (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    close () { clearInterval(timer) }
  }
}

function takeSample ({ cluster, meter, durations }: SamplerParts): Sample {
  const { good, failed, shed } = meter.take()
  const { p50 = null, p90 = null, p99 = null } = durations(DURATION_WINDOW) ?? {}
  const loops = cluster.workers().flatMap(({ state, snapshot }) => state === 'ready' && snapshot !== undefined ? [snapshot.utilization] : [])
  const mean = loops.reduce((sum, loop) => sum + loop, 0) / Math.max(1, loops.length)
  return { at: Date.now(), good: rounded(good), failed: rounded(failed), shed: rounded(shed), p50, p90, p99, utilization: rounded(mean), busiest: rounded(Math.max(0, ...loops)) }
}

/** Two places are enough, and keep the answer small. */
function rounded (value: number): number {
  return Math.round(value * 100) / 100
}
