// Everything `GET /metrics` tells, put together when it is asked for.
import type { AppMetric } from '../../measurements.ts'
import { DURATION_BUCKETS } from '../../measurements.ts'
import type { AdminCluster } from '../cluster.ts'
import type { Ledger } from '../ledger.ts'
import type { StatusSource } from '../status-source.ts'
import type { AppMetrics } from './app-metrics.ts'
import { clusterMetrics } from './cluster-metrics.ts'
import type { EventCounts } from './event-counts.ts'
import { histogram } from './metric.ts'
import { printMetrics } from './page.ts'
import type { Page } from './page.ts'
import type { RequestTimes } from './request-times.ts'
import type { ClusterStatus } from '../status.ts'
import { emptySlot } from '../slot-status.ts'
import { slotMetrics } from './slot-metrics.ts'
import type { SlotView } from './slot-metrics.ts'

export interface MetricsParts {
  readonly cluster: AdminCluster
  readonly source: StatusSource
  readonly ledger: Ledger
  readonly counts: EventCounts
  readonly times: RequestTimes
  readonly apps: AppMetrics
}

export type MetricsSource = () => Promise<Page>

export function createMetricsSource (parts: MetricsParts): MetricsSource {
  return async () => {
    for (const [reporter, metrics] of await parts.cluster.appMetrics()) parts.apps.tell(reporter, metrics)
    const own = ownMetrics(parts)
    const apps = parts.apps.all()
    try {
      return await printMetrics([own, ...apps])
    } catch (error) {
      // Metrics of the app that cannot be summed must not cost those of the cluster; without prom-client neither can be told.
      const page = await printMetrics([own])
      parts.cluster.warn({ event: 'app-metrics-failed', err: error }, "the app's metrics cannot be summed: the metrics page is without them")
      return page
    }
  }
}

/** Those of a cluster that was larger once keep their counters. */
function slotViews ({ slots }: ClusterStatus, ledger: Ledger): SlotView[] {
  const ids = new Set([...slots.map(({ id }) => id), ...ledger.slots()])
  return [...ids].toSorted((a, b) => a - b).map(id => ({
    totals: ledger.slot(id),
    status: slots.find(slot => slot.id === id) ?? emptySlot(id)
  }))
}

function ownMetrics ({ cluster, source, ledger, counts, times }: MetricsParts): AppMetric[] {
  const status = source.status()
  const samples = times.series().map(({ method, route, status: statusClass, counts: buckets, sum }) => ({ labels: { method, route, status: statusClass }, counts: buckets, sum }))
  return [
    ...clusterMetrics({ status, dispatch: cluster.stats().dispatch, counts }),
    ...slotMetrics(slotViews(status, ledger)),
    histogram('request_duration_seconds', 'How long requests took that were answered, by route pattern and class of status; without those shed before anything else looked at them.', DURATION_BUCKETS, samples)
  ]
}
