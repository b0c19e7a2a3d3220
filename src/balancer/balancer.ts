// What a balancer is: it sees the workers that may take a connection, and names one.

/** A worker as a balancer sees it: read-only, from this very moment. */
export interface BalancerWorker {
  /** The slot; it survives restarts and reloads. While one worker replaces another both have it. */
  readonly id: number
  readonly generation: number
  /** Connections the primary has given it and that are not over, counted by the primary. */
  readonly connections: number
  /** Requests in flight, as last reported. */
  readonly inFlight: number
  /** Event-loop utilization from 0 to 1, as last reported. */
  readonly utilization: number
  readonly draining: boolean
}

/** Who wants to be served; a client on a Unix socket has no address. */
export interface BalancerConnection {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly family?: string | undefined
}

/** A strategy: `pick` returns one of `workers` itself, or undefined when there is none. */
export interface Balancer {
  readonly name: string
  readonly pick: (workers: readonly BalancerWorker[], connection: BalancerConnection) => BalancerWorker | undefined
}
