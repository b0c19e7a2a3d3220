// What a worker reports of itself at regular times: plain data, cheap to make.

import type { ShedByReason } from './shedding/shed-counts.ts'

/** Loop delay of one interval, in ms. */
export interface LoopDelay { readonly p50: number, readonly p99: number, readonly max: number }

/** What the option `healthCheck` found last. */
export interface Health {
  /** `unchecked`: no check, or none has ended yet. */
  readonly state: 'unchecked' | 'healthy' | 'unhealthy'
  /** In a row. */
  readonly failures: number
  /** Why the last one failed. */
  readonly reason: string | null
}

/** How much a worker sheds. */
export interface SheddingState {
  /** Whether a request that comes now may be shed. */
  readonly active: boolean
  /** The share of the traffic that is shed now for the sake of the event loop, 0 to 1. */
  readonly share: number
  /** Mean time requests had waited for the event loop lately, in ms. */
  readonly delay: number
  /** Requests that may be in flight now; null without a limit. */
  readonly limit: number | null
  /** Requests shed since the worker's start, by reason and priority; a reason that never came is left out. */
  readonly shed: ShedByReason
}

/** Counters grow from the worker's start; gauges are of this moment or of the interval since the last report. */
export interface Snapshot {
  /** Event-loop utilization of the interval, 0 to 1. */
  readonly utilization: number
  readonly loopDelay: LoopDelay
  /** Bytes; `heapLimit` is how much may survive in the heap before V8 gives up. */
  readonly memory: { readonly rss: number, readonly heapUsed: number, readonly heapLimit: number }
  /** Time spent in garbage collection in the interval, in ms. */
  readonly gc: number
  /** Seconds since the process began. */
  readonly uptime: number
  /** Whether a debugger can be attached: its inspector listens. */
  readonly inspected: boolean
  readonly health: Health
  readonly requests: {
    readonly inFlight: number
    readonly total: number
    readonly shed: number
    /** Requests a second in the interval. */
    readonly rate: number
    /** The share of the interval's requests that were shed, 0 to 1. */
    readonly shedShare: number
    /** Responses by class, '2xx' and so on. */
    readonly responses: Readonly<Record<string, number>>
  }
  readonly shedding: SheddingState
  readonly connections: { readonly open: number, readonly idle: number, readonly movedIn: number, readonly movedOut: number }
}

/** A snapshot is shown to users as it is kept: nobody may change it. */
export function freezeSnapshot (snapshot: Snapshot): Snapshot {
  Object.freeze(snapshot.requests.responses)
  for (const counts of Object.values(snapshot.shedding.shed)) Object.freeze(counts)
  Object.freeze(snapshot.shedding.shed)
  for (const part of Object.values(snapshot)) Object.freeze(part)
  return Object.freeze(snapshot)
}
