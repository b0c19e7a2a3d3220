// Keeps the restart history of each slot and answers when it may be forked again.
import type { ResolvedOptions } from '../options/types.ts'

export interface Restarts {
  /** When the slot may be forked, on the clock `recordExit` uses; in the past where nothing holds it back. */
  readonly notBefore: (slot: number) => number
  /** A worker ended by itself after `uptime` ms. */
  readonly recordExit: (slot: number, uptime: number) => void
  /** An order to begin anew: nothing is held back any more. */
  readonly forget: () => void
}

interface History { failures: number, notBefore: number }

export function createRestarts ({ delay, maxDelay, resetAfter }: ResolvedOptions['restart'], random: () => number = Math.random, now: () => number = () => performance.now()): Restarts {
  const histories = new Map<number, History>()
  return {
    notBefore: slot => histories.get(slot)?.notBefore ?? 0,
    forget: () => histories.clear(),
    recordExit (slot, uptime) {
      const before = histories.get(slot)?.failures ?? 0
      const failures = uptime >= resetAfter ? 1 : before + 1
      const wait = failures === 1 ? 0 : Math.min(maxDelay, delay * 2 ** (failures - 2))
      histories.set(slot, { failures, notBefore: now() + wait * (0.9 + 0.2 * random()) })
    }
  }
}
