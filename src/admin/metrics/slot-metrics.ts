// The metrics of each worker slot: labelled by slot and never by process, so that restarts make no new series.
import type { AppMetric } from '../../measurements.ts'
import type { SlotTotals } from '../ledger.ts'
import type { SlotStatus } from '../status.ts'
import { counter, gauge } from './metric.ts'
import type { Labels, Sample } from './metric.ts'

export interface SlotView { readonly status: SlotStatus, readonly totals: SlotTotals }

export function slotMetrics (slots: readonly SlotView[]): AppMetric[] {
  const each = (valueOf: (view: SlotView) => number | null | undefined): Sample[] =>
    slots.map(view => [valueOf(view), { slot: view.status.id }])
  const labelled = (valuesOf: (view: SlotView) => ReadonlyArray<readonly [number | undefined, Labels]>): Sample[] =>
    slots.flatMap(view => valuesOf(view).map(([value, labels]): Sample => [value, { slot: view.status.id, ...labels }]))

  return [
    gauge('slot_up', 'Whether the slot has a ready worker.', each(({ status }) => Number(status.state === 'ready'))),
    gauge('slot_healthy', 'Whether its health check has not failed.', each(({ status: { health } }) => health === null ? null : Number(health.state !== 'unhealthy'))),
    gauge('slot_generation', 'The generation of its worker.', each(({ status }) => status.generation)),
    gauge('slot_uptime_seconds', 'Age of its worker.', each(({ status: { uptime } }) => uptime === null ? null : uptime / 1000)),
    gauge('slot_event_loop_utilization_ratio', 'Utilization of the event loop over the last report, 0 to 1.', each(({ status }) => status.utilization)),
    gauge('slot_event_loop_delay_seconds', 'Delay of the event loop over the last report.', labelled(({ status: { loopDelay } }) => (['p50', 'p99', 'max'] as const).map(stat => [loopDelay === null ? undefined : loopDelay[stat] / 1000, { stat }]))),
    gauge('slot_resident_memory_bytes', 'Resident memory of its worker.', each(({ status }) => status.memory?.rss)),
    gauge('slot_heap_used_bytes', 'JavaScript heap of its worker.', each(({ status }) => status.memory?.heapUsed)),
    gauge('slot_heap_limit_bytes', "V8's limit of that heap.", each(({ status }) => status.memory?.heapLimit)),
    counter('slot_gc_seconds_total', 'Time spent in garbage collection.', each(({ totals }) => totals.gc / 1000)),
    gauge('slot_connections', 'Open connections: idle ones, and those with a request.', labelled(({ status: { connections } }) => [[connections?.idle, { state: 'idle' }], [connections === null ? undefined : connections.open - connections.idle, { state: 'active' }]])),
    counter('slot_handoffs_total', 'Connections that came from (in) or went to (out) another worker.', labelled(({ totals }) => [[totals.movedIn, { direction: 'in' }], [totals.movedOut, { direction: 'out' }]])),
    gauge('slot_requests_in_flight', 'Requests begun and not ended.', each(({ status }) => status.requests.inFlight)),
    counter('slot_requests_total', 'Requests begun.', each(({ totals }) => totals.requests)),
    counter('slot_responses_total', 'Responses by class of status.', labelled(({ totals }) => Object.entries(totals.responses).map(([status, count]) => [count, { status }]))),
    counter('slot_shed_total', 'Requests shed under overload, by reason and priority.', labelled(({ totals }) => Object.entries(totals.shedBy).map(([key, count]) => [count, shedLabels(key)])))
  ]
}

function shedLabels (key: string): Labels {
  const [reason = '', priority = ''] = key.split('/')
  return { reason, priority }
}
