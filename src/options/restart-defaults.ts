// The defaults of the option group `restart`.
import type { RestartOptions } from './types.ts'

export const RESTART_DEFAULTS: Readonly<Required<RestartOptions>> = Object.freeze({ delay: 100, maxDelay: 30_000, resetAfter: 60_000, jitter: 0.1, limit: 5, window: 60_000 })
