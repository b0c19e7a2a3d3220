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
   * How long a request may wait, in ms, in a lasting overload (for half a second all have waited longer than this), with `scheduling: 'request'`:
   * who waits longer is answered 503. Twice the time that requests usually take, where that is more. `false`: `timeout` alone counts.
   * @default 100
   */
  maxDelay?: number | false
}

export type QueueLimits = Readonly<Required<QueueOptions>>
