// The option `workers` as an object: the cluster chooses its size itself, within bounds.

export interface AutoscaleOptions {
  /**
   * The fewest workers, with which it begins.
   * @default 1
   */
  min?: number
  /**
   * The most workers. By default no more than the CPUs this process may use, or `WEB_CONCURRENCY`.
   * @default 'auto'
   */
  max?: number | 'auto'
  /**
   * More are wanted once the workers' event loops were used above this share, 0 to 1, on average, or connections or requests waited in the queue, for `upAfter`.
   * @default 0.7
   */
  upAt?: number
  /**
   * One less is wanted once, without it, the others would have been used below this share for `downAfter`. Must be below `upAt`.
   * @default 0.5
   */
  downAt?: number
  /**
   * In ms; also how long after a change the next growth comes at the earliest.
   * @default 3000
   */
  upAfter?: number
  /**
   * In ms; also how long after a change the next shrinking comes at the earliest.
   * @default 30000
   */
  downAfter?: number
}

/** The same with every default in place. */
export interface ResolvedAutoscale extends Readonly<Required<AutoscaleOptions>> { readonly max: number }

export const AUTOSCALE_DEFAULTS: Readonly<Required<AutoscaleOptions>> = Object.freeze({ min: 1, max: 'auto', upAt: 0.7, downAt: 0.5, upAfter: 3_000, downAfter: 30_000 })
