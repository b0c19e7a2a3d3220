// The option group `recycle`.

/** When a worker in good health is replaced all the same, one at a time and its replacement first. */
export interface RecycleOptions {
  /**
   * After so many requests.
   * @default false
   */
  maxRequests?: number | false
  /**
   * After so many ms.
   * @default false
   */
  maxAge?: number | false
  /**
   * With so much resident memory, in bytes.
   * @default false
   */
  maxRss?: number | false
  /**
   * With so much JavaScript heap in use, in bytes.
   * @default false
   */
  maxHeap?: number | false
  /**
   * With a heap in use of this share of V8's limit, before V8 ends the process.
   * @default 0.9
   */
  heapShare?: number | false
  /**
   * Each limit is drawn anew for each worker from within this share above and below, so that workers of one age do not all go together.
   * @default 0.1
   */
  jitter?: number
  /**
   * A limit on memory that a fresh worker exceeds would replace it for ever: it counts from this age, in ms.
   * @default 10000
   */
  minAge?: number
}
