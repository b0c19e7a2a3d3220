// The seam between plugin and worker: what a drain needs to know and to do about the requests of one app.
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AppMetric } from './measurements.ts'
import type { RequestInFlight } from './protocol.ts'
import type { SheddingState } from './snapshot.ts'
import type { WorkerInfo } from './worker-info.ts'

/** Requests begun, requests refused under overload, and responses by class ('2xx', …). */
export interface RequestCounts { readonly total: number, readonly shed: number, readonly responses: Readonly<Record<string, number>> }

/** Told of each request that was answered: how long it took, in ms. */
export type RecordRequest = (reply: FastifyReply, ms: number) => void

/** The first hook of every route of an app: identity, requests in flight, shedding, draining. */
export interface RequestGate {
  readonly worker: WorkerInfo
  /** Requests that have begun and not ended. */
  inFlight: () => number
  /** Since the app began. */
  counts: () => RequestCounts
  shedding: () => SheddingState
  /** The oldest of them, `limit` at most. */
  list: (limit: number) => RequestInFlight[]
  /**
   * `worker.draining` aborts, and from now on a response ends its connection, one in the making too:
   * each response, or only those on connections that cannot move to another worker. A later call may widen it, never narrow it.
   */
  startDraining: (ends: 'every-connection' | 'unmovable-connections') => void
  /** Until this is called requests are not timed. Those that were shed before anything else looked at them never are. */
  record: (recorder: RecordRequest) => void
  /** The metrics of the registries that the app has named. */
  appMetrics: () => Promise<AppMetric[]>
  /** A stop was ordered, which begins later: until then everything is served. */
  expectStop: () => void
  /** Calls back each time a request ends, until the returned function is called. */
  onSettled: (listener: () => void) => () => void
}

const KEY = Symbol.for('fastify-clusterize.gate')
type Gated = FastifyInstance & { [KEY]?: RequestGate }

/** The gate of the app an instance belongs to; child instances find their root's. */
export function gateOf<Gate extends RequestGate> (app: FastifyInstance): Gate | undefined {
  return (app as Gated)[KEY] as Gate | undefined
}

export function setGate (app: FastifyInstance, gate: RequestGate): void {
  Object.defineProperty(app, KEY, { value: gate })
}
