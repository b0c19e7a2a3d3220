// Decides when a slot whose worker ended by itself may be forked again, and when so many ends are a crash loop. Pure.
import type { ResolvedOptions } from '../options/types.ts'

/** The option group `restart`. More than `limit` crashes within `window` ms, or in a row in one slot, are a crash loop. */
export type RestartOptions = ResolvedOptions['restart']

/** What is remembered of one slot. */
export interface SlotRestarts {
  /** How many workers in a row ended before they were stable; a slow crasher shows here, however long it takes. */
  readonly failures: number
  /** When the slot may be forked again; in the past where nothing holds it back. */
  readonly nextForkAt: number
}

/** What is remembered of all slots together. */
export interface CrashHistory {
  /** When workers ended by themselves, oldest first. */
  readonly crashes: readonly number[]
  readonly crashLoop: boolean
}

/** Times in ms of one monotonic clock. */
interface Exit {
  /** How long the worker was well, counted from ready; 0 when it never was. */
  readonly uptime: number
  readonly now: number
  readonly options: RestartOptions
  /** From 0 up to 1, as `Math.random`. */
  readonly random: () => number
}

/** 2 to the power of more is beyond any delay, and in the end Infinity, which times a delay of 0 is no number. */
const MOST_DOUBLINGS = 50

/** The state of a slot without failures; also what an order to begin anew (a reload) sets it to. */
export function initialRestarts (): SlotRestarts {
  return { failures: 0, nextForkAt: -Infinity }
}

/** A worker of the slot ended by itself. */
export function recordExit (slot: SlotRestarts, { uptime, now, options, random }: Exit): SlotRestarts {
  const failures = recordHealthy(slot, { uptime, options }).failures + 1
  const jitter = 1 + options.jitter * (2 * random() - 1)
  return { failures, nextForkAt: now + backoff(failures, options) * jitter }
}

/** The slot's worker has been well for `uptime` ms. */
export function recordHealthy (slot: SlotRestarts, { uptime, options }: Pick<Exit, 'uptime' | 'options'>): SlotRestarts {
  return uptime >= options.resetAfter && slot.failures > 0 ? initialRestarts() : slot
}

export function initialCrashes (): CrashHistory {
  return { crashes: [], crashLoop: false }
}

/** Some worker ended by itself. Ask `crashLoop` next. */
export function recordCrash (history: CrashHistory, now: number, options: RestartOptions): CrashHistory {
  // A calm that nobody looked at ended the loop before all the same.
  const before = crashLoop(history, [], now, options)
  return { ...before, crashes: [...before.crashes, now] }
}

/**
 * Begins on too many crashes, and ends once the window is empty and no slot is at it any more: while retries are slow
 * the count falls, but nothing is well yet.
 */
export function crashLoop ({ crashes, crashLoop: before }: CrashHistory, slots: Iterable<SlotRestarts>, now: number, { limit, window }: RestartOptions): CrashHistory {
  const recent = crashes.filter(at => now - at < window)
  const stubborn = [...slots].some(({ failures }) => failures > limit)
  return { crashes: recent, crashLoop: stubborn || recent.length > limit || (before && recent.length > 0) }
}

/** When a crash loop may be over by time alone; Infinity when there is none. */
export function crashLoopReviewAt ({ crashes, crashLoop }: CrashHistory, { window }: RestartOptions): number {
  return crashLoop ? (crashes.at(-1) ?? Infinity) + window : Infinity
}

function backoff (failures: number, { delay, maxDelay }: RestartOptions): number {
  return failures === 1 ? 0 : Math.min(maxDelay, delay * 2 ** Math.min(failures - 2, MOST_DOUBLINGS))
}
