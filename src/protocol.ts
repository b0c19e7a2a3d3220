// What primary and worker say to each other: data only, one union for each direction.
import type { SerializedError } from './errors.ts'
import type { AppMetric, Measurements } from './measurements.ts'
import type { Snapshot } from './snapshot.ts'
import type { HandoffToPrimary, HandoffToWorker } from './handoff/messages.ts'

/** A bound address as Node reports it: TCP, or the path of a Unix socket. */
export type BoundAddress = { address: string, family: string, port: number } | string

/** What the primary must know of a worker's server to act for it. */
export interface ServerFacts {
  /** False for TLS and HTTP/2, whose bytes mean nothing to the primary. */
  readonly plainHttp1: boolean
  /** False where a connection cannot go to another process once it was read from. */
  readonly movable: boolean
  /** In ms, as on `http.Server`; 0 is none. */
  readonly keepAliveTimeout: number
  readonly headersTimeout: number
}

/** Why a worker is asked to end: the whole cluster stops, or only this worker goes while siblings stay. */
export type DrainMode = 'stop' | 'retire'

/** One request that a worker is working on. */
export interface RequestInFlight { method: string, url: string, ms: number }

/** What a worker is doing at this moment. */
export interface Activity {
  phase: string
  connections: number
  requests: RequestInFlight[]
}

/** How a worker gets one of its listening sockets: with the reply's handle, or by listening itself. */
export type ListenGrant =
  | { kind: 'handle', address: BoundAddress, more: boolean }
  | { kind: 'private', path: string, addresses: BoundAddress[] }
  | { kind: 'native' }

/** What becomes of a request's connection: back to the primary, at its end, the worker's for good (upgraded), or not even looked at: the worker does not serve any more, or the ticket was not its to redeem. */
export type RequestOutcome = 'idle' | 'closed' | 'kept' | 'untouched' | 'unredeemed'

/** What a worker says about connections, with a handle where one travels. */
export type ConnectionMessage =
  | HandoffToPrimary
  /** How many connections have ended here or left, since the worker began. */
  | { type: 'connections-ended', total: number }
  | { type: 'request-done', id: number, outcome: RequestOutcome }

export type ToPrimary =
  | { type: 'booting' }
  | { type: 'listen', index: number }
  | { type: 'ready', addresses: BoundAddress[], server: ServerFacts, inspected: boolean }
  /** Built and ready, and waits for a slot to listen in. */
  | { type: 'spare' }
  | { type: 'boot-failed', error: SerializedError }
  | { type: 'crashed', error: SerializedError }
  /** It drains, accepts no more, and what was idle has moved to others. */
  | { type: 'handed-over' }
  | { type: 'signal', signal: string }
  | { type: 'snapshot', snapshot: Snapshot }
  /** What the admin server's metrics need beyond snapshots; `app` is told at the worker's end. */
  | { type: 'measured', measured: Measurements, app?: AppMetric[] }
  | ConnectionMessage

export type ToWorker =
  | { type: 'drain', mode: DrainMode, timeout: number }
  | { type: 'activity' }
  | { type: 'app-metrics' }
  /** A spare becomes the worker of this slot, and listens. */
  | { type: 'take-slot', slot: number }
  | HandoffToWorker
  /** With the connection's handle: serve one request, `head` is what was read of it, a character for each byte (latin1). `ticket` says whether it still is to. */
  | { type: 'request-take', id: number, head: string, ticket?: string | undefined }
  /** Give idle connections away that make about this share (0 to 1) of the worker's load, `max` at most, and none after `within` ms. */
  | { type: 'rebalance', share: number, max: number, within: number }
  /** Whether to take new connections; where not, idle ones are given away too. */
  | { type: 'accept', on: boolean }
  /** The level of the app's logger. */
  | { type: 'log-level', level: string }
  /** The whole cluster is about to stop: each response ends its connection. */
  | { type: 'announce-end' }
  /** A stop was ordered, which begins later. */
  | { type: 'announce-stop' }

/** The messages that are answered, and with what. */
export interface Replies {
  listen: ListenGrant
  activity: Activity
  'app-metrics': AppMetric[]
  'boot-failed': null
  crashed: null
}
