// What a worker reports of itself at regular times: plain data, cheap to make.

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

/** Counters grow from the worker's start; gauges are of this moment or of the interval since the last report. */
export interface Snapshot {
  /** Event-loop utilization of the interval, 0 to 1. */
  readonly utilization: number
  readonly loopDelay: LoopDelay
  /** Bytes. */
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
    /** Responses by class, '2xx' and so on. */
    readonly responses: Readonly<Record<string, number>>
  }
  readonly connections: { readonly open: number, readonly idle: number, readonly movedIn: number, readonly movedOut: number }
}

/** A snapshot is shown to users as it is kept: nobody may change it. */
export function freezeSnapshot (snapshot: Snapshot): Snapshot {
  Object.freeze(snapshot.requests.responses)
  for (const part of Object.values(snapshot)) Object.freeze(part)
  return Object.freeze(snapshot)
}
