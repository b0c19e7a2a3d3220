// The defaults of the option group `recycle`.
import type { RecycleOptions } from './recycle-types.ts'

export const RECYCLE_DEFAULTS: Readonly<Required<RecycleOptions>> = Object.freeze({ maxRequests: false, maxAge: false, maxRss: false, maxHeap: false, heapShare: 0.9, jitter: 0.1, minAge: 10_000 })
