// Keeps the restart history of each slot, and tells when it may be forked again and when it is all a crash loop.
import type { ResolvedOptions } from '../options/types.ts'
import { crashLoop, initialCrashes, initialRestarts, recordCrash, recordExit } from './restart-policy.ts'
import type { SlotRestarts } from './restart-policy.ts'

export interface Restarts {
  /** When the slot may be forked, on the clock of `now`; in the past where nothing holds it back. */
  readonly notBefore: (slot: number) => number
  /** A worker ended by itself after it was ready for `uptime` ms; returns true where that makes it a crash loop. */
  readonly recordExit: (slot: number, uptime: number) => boolean
  /** Whether a crash loop is on. */
  readonly isLooping: () => boolean
  /** An order to begin anew: nothing is held back any more. */
  readonly forget: () => void
}

export function createRestarts (options: ResolvedOptions['restart'], random: () => number = Math.random, now: () => number = () => performance.now()): Restarts {
  const slots = new Map<number, SlotRestarts>()
  let crashes = initialCrashes()
  return {
    notBefore: slot => slots.get(slot)?.nextForkAt ?? -Infinity,
    isLooping () {
      crashes = crashLoop(crashes, slots.values(), now(), options)
      return crashes.crashLoop
    },
    forget () {
      slots.clear()
      crashes = initialCrashes()
    },
    recordExit (slot, uptime) {
      const before = crashes.crashLoop
      slots.set(slot, recordExit(slots.get(slot) ?? initialRestarts(), { uptime, now: now(), options, random }))
      crashes = crashLoop(recordCrash(crashes, now(), options), slots.values(), now(), options)
      return crashes.crashLoop && !before
    }
  }
}
