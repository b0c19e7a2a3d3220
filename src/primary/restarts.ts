// Keeps the restart history of each slot, and tells when it may be forked again and when it is all a crash loop.
import type { ResolvedOptions } from '../options/types.ts'
import { crashLoop, initialCrashes, initialRestarts, recordCrash, recordExit } from './restart-policy.ts'
import type { SlotRestarts } from './restart-policy.ts'

export interface Restarts {
  /** When the slot may be forked, on the clock of `now`; in the past where nothing holds it back. */
  readonly notBefore: (slot: number) => number
  /** A worker ended by itself after it was well for `uptime` ms, undefined where it never was; returns true where that makes it a crash loop. */
  readonly recordExit: (slot: number, uptime: number | undefined) => boolean
  /** Some worker came up: what fails elsewhere is no longer what fails everywhere. */
  readonly recordReady: () => void
  /** Whether a crash loop is on. */
  readonly isLooping: () => boolean
  /** Whether in a crash loop every slot from 1 to `size` has failed to boot since a worker last came up: one more try is no hope. */
  readonly isHopeless: (size: number) => boolean
  /** An order to begin anew: nothing is held back any more. */
  readonly forget: () => void
}

export function createRestarts (options: ResolvedOptions['restart'], random: () => number = Math.random, now: () => number = () => performance.now()): Restarts {
  const slots = new Map<number, SlotRestarts>()
  const unbooted = new Set<number>()
  let crashes = initialCrashes()
  const isLooping = (): boolean => {
    crashes = crashLoop(crashes, slots.values(), now(), options)
    return crashes.crashLoop
  }
  return {
    notBefore: slot => slots.get(slot)?.nextForkAt ?? -Infinity,
    isLooping,
    isHopeless: size => isLooping() && Array.from({ length: size }, (_, index) => index + 1).every(slot => unbooted.has(slot)),
    recordReady: () => unbooted.clear(),
    forget () {
      slots.clear()
      unbooted.clear()
      crashes = initialCrashes()
    },
    recordExit (slot, uptime) {
      const before = crashes.crashLoop
      if (uptime === undefined) unbooted.add(slot)
      slots.set(slot, recordExit(slots.get(slot) ?? initialRestarts(), { uptime: uptime ?? 0, now: now(), options, random }))
      crashes = crashLoop(recordCrash(crashes, now(), options), slots.values(), now(), options)
      return crashes.crashLoop && !before
    }
  }
}
