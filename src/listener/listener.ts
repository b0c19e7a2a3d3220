// What every way of accepting connections offers the primary, and what it may ask of a worker.
import type { Answer, Channel } from '../channel.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { QueueStats } from './queue.ts'
import type { BoundAddress, ConnectionMessage, ServerFacts, ToWorker } from '../protocol.ts'

/** A worker as a listener sees it. */
export interface Receiver {
  readonly key: number
  readonly slot: number
  readonly generation: number
  readonly pid: number
  readonly channel: Channel<ToWorker>
  /** True while it is ready and can be told so: a worker that was killed loses its channel before anybody learns of its end. */
  readonly accepts: () => boolean
  /** Healthy, and not shedding while others have time. */
  readonly fit: () => boolean
  readonly load: () => ReceiverLoad
  /** What it said of its server when it became ready. */
  readonly server: () => ServerFacts | undefined
}

/** The latest a worker reported of itself; zeros until then. */
export interface ReceiverLoad { readonly inFlight: number, readonly utilization: number }

/** Times in ms; the upper bounds of the buckets are `WAIT_BUCKETS`, the last one is open. */
export type QueueWaits = QueueStats['waited']

export interface ListenerCounts {
  readonly queued: number
  readonly rejectedFull: number
  readonly rejectedTimeout: number
  readonly moved: number
  /** Requests that a worker did not begin in time, so that a free one got them. */
  readonly takenBack: number
  /** How long those that had their turn had waited. */
  readonly waited: QueueWaits
}

export interface Listener {
  /** The public addresses; empty where they are known only once a worker listens. */
  readonly addresses: readonly BoundAddress[]
  /** Answers a worker that asks for its `index`-th listening socket. */
  readonly grant: (worker: Receiver, index: number) => Answer
  /** A worker's message about a connection, with the handle that came along. */
  readonly receive: (worker: Receiver, message: ConnectionMessage, handle: unknown) => void
  /**
   * A worker has become ready.
   *
   * @throws the system's error where the primary accepts, with the first one, when it cannot listen
   */
  readonly ready: (worker: Receiver) => void
  /** A worker's last message was read. */
  readonly gone: (worker: Receiver) => void
  /** What `giver` gives away in the next `within` ms is meant for these, for each `count` at most, as long as they are fit and have room. */
  readonly prefer: (giver: Receiver, takers: ReadonlyArray<{ readonly taker: Receiver, readonly count: number }>, within: number) => void
  /** Accepts no more; resolves when nothing waits here for a worker, at the latest after `grace` ms. */
  readonly drain: (grace: number) => Promise<void>
  /** Gives everything up that is still held. Idempotent. */
  readonly close: () => void
  readonly counts: () => ListenerCounts
}

export interface ListenerParts {
  readonly workers: () => readonly Receiver[]
  readonly warn: (event: string, message: string, fields?: object) => void
  /** File descriptors of listening sockets that a service manager opened. */
  readonly inherited: readonly number[]
}

export type OpenListener = (options: ResolvedOptions, parts: ListenerParts) => Promise<Listener>
