// Makes a worker's snapshots: a few readings of counters that Node and the gate keep anyway.
import { monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { RequestGate } from '../request-gate.ts'
import type { Health, Snapshot } from '../snapshot.ts'
import { heapLimit } from './heap-limit.ts'
import type { OpenConnections } from './open-connections.ts'

// Each sample wakes the loop; 20 ms is exact enough for percentiles and costs an idle worker next to nothing.
const DELAY_RESOLUTION = 20
const NANOSECONDS = 1e6
const HEAP_LIMIT = heapLimit()

/** Calls `send` with a snapshot each `interval` ms, and whenever the returned function is called. Never keeps the process alive. */
export function startSnapshots (gate: RequestGate, connections: OpenConnections, interval: number, health: () => Health, send: (snapshot: Snapshot) => void): () => void {
  const histogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION })
  histogram.enable()
  let gc = 0
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) gc += duration
  }).observe({ entryTypes: ['gc'] })
  let utilization = performance.eventLoopUtilization()
  let previous = { at: performance.now(), total: 0, shed: 0 }

  const take = (): void => {
    const current = performance.eventLoopUtilization()
    const at = performance.now()
    const { total, shed, responses } = gate.counts()
    connections.tracked.observe()
    send({
      utilization: performance.eventLoopUtilization(current, utilization).utilization,
      loopDelay: delayOf(histogram),
      memory: { rss: process.memoryUsage.rss(), heapUsed: getHeapStatistics().used_heap_size, heapLimit: HEAP_LIMIT },
      gc: Math.round(gc * 10) / 10,
      uptime: Math.round(process.uptime()),
      inspected: isInspected(),
      health: health(),
      requests: { inFlight: gate.inFlight(), total, shed, rate: (total - previous.total) / Math.max(0.001, (at - previous.at) / 1000), shedShare: (shed - previous.shed) / Math.max(1, total - previous.total), responses },
      shedding: gate.shedding(),
      connections: connectionsOf(connections, gate)
    })
    histogram.reset()
    utilization = current
    gc = 0
    previous = { at, total, shed }
  }
  setInterval(take, interval).unref()
  return take
}

/** The histogram counts the timer's own resolution in; without a sample in the interval it has no percentile. */
function delayOf (histogram: ReturnType<typeof monitorEventLoopDelay>): Snapshot['loopDelay'] {
  const beyond = (nanoseconds: number): number => Math.max(0, Math.round((nanoseconds / NANOSECONDS - DELAY_RESOLUTION) * 10) / 10)
  if (Number.isNaN(histogram.mean)) return { p50: 0, p99: 0, max: 0 }
  return { p50: beyond(histogram.percentile(50)), p99: beyond(histogram.percentile(99)), max: beyond(histogram.max) }
}

/** Idle is what is open and has no request in flight: exact enough here, and free. */
function connectionsOf ({ count, tracked }: OpenConnections, gate: RequestGate): Snapshot['connections'] {
  const open = count()
  const { movedIn, movedOut } = tracked.moves()
  return { open, idle: Math.max(0, open - gate.inFlight()), movedIn, movedOut }
}

/** A Node built without an inspector has no such module. */
export function isInspected (): boolean {
  return process.features.inspector && process.getBuiltinModule('node:inspector').url() !== undefined
}
