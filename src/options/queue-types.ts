// The option group `queue`.

/** The bounded queue of connections or requests that wait for a worker. */
export interface QueueOptions {
  /**
   * How many may wait; whoever comes later is answered 503 at once.
   * @default 1024
   */
  limit?: number
  /**
   * How long one may wait, in ms, before it is answered 503.
   * @default 10000
   */
  timeout?: number
  /**
   * How long one may wait, in ms, in a lasting overload: for half a second all that left the queue had waited longer than this. Who waits longer is
   * answered 503. With `scheduling: 'request'` it is at least twice the time that requests usually take; with `'connection'` it holds without
   * `maxConnections`. `false`: `timeout` alone counts.
   * @default 100
   */
  maxDelay?: number | false
}

export type QueueLimits = Readonly<Required<QueueOptions>>
