// Decides how many workers an automatically sized cluster wants. Pure.
import type { ResolvedAutoscale } from '../options/autoscale-types.ts'

/** What the cluster looks like at one moment. */
export interface Load {
  /** Workers wanted now; all of them are ready. */
  readonly size: number
  /** Mean utilization of their event loops, 0 to 1. */
  readonly utilization: number
  /** Connections or requests that wait in the primary. */
  readonly queued: number
}

export interface Trend {
  /** Smoothed; undefined after a change. */
  readonly utilization: number | undefined
  /** Since when the cluster has been too small, on the caller's clock in ms; undefined while it is not. */
  readonly hotSince: number | undefined
  /** The same, too large. */
  readonly coldSince: number | undefined
}

export interface Verdict {
  readonly trend: Trend
  /** The new size, or undefined where it stays. */
  readonly size: number | undefined
  /** The smoothed utilization that decided. */
  readonly utilization: number
}

export const NO_TREND: Trend = { utilization: undefined, hotSince: undefined, coldSince: undefined }

/** A cluster that was too small for long grows by this at most at once: a loop that is fully used does not tell how much more there is. */
const MOST_GROWTH = 2
/** The weight of the latest report: one calm moment in a storm does not count as calm. */
const SMOOTHING = 0.3

/**
 * Grows to where the same work would use the loops half-way between both thresholds, and shrinks by one where the others can take its share.
 * Each change begins a new trend, so `upAfter` and `downAfter` are cooldowns too.
 */
export function autoscale ({ size, utilization: latest, queued }: Load, { utilization: before = latest, hotSince, coldSince }: Trend, now: number, { min, max, upAt, downAt, upAfter, downAfter }: ResolvedAutoscale): Verdict {
  const utilization = before + SMOOTHING * (latest - before)
  const isHot = size < max && (utilization > upAt || queued > 0)
  const isCold = size > min && queued === 0 && utilization * size / (size - 1) < downAt
  const trend: Trend = { utilization, hotSince: isHot ? hotSince ?? now : undefined, coldSince: isCold ? coldSince ?? now : undefined }
  if (trend.hotSince !== undefined && now - trend.hotSince >= upAfter) {
    const fitting = Math.ceil(size * utilization / ((upAt + downAt) / 2))
    return { trend: NO_TREND, size: Math.min(max, Math.max(size + 1, Math.min(fitting, size * MOST_GROWTH))), utilization }
  }
  if (trend.coldSince !== undefined && now - trend.coldSince >= downAfter) return { trend: NO_TREND, size: size - 1, utilization }
  return { trend, size: undefined, utilization }
}
