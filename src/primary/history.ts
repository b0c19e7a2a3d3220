// Remembers of each slot what its workers last reported and how the last of them ended.
import type { Snapshot } from '../snapshot.ts'
import type { WorkerExitEvent } from './events.ts'

/** One report of one worker. */
export interface HistoryEntry {
  /** When it came, in ms since the epoch. */
  readonly at: number
  /** Of whom: a slot's workers follow one another. */
  readonly pid: number
  readonly generation: number
  readonly snapshot: Snapshot
}

/** How the last worker of a slot ended, as the event 'worker-exit' told it. */
export interface LastExit extends Omit<WorkerExitEvent, 'id'> {
  /** In ms since the epoch. */
  readonly at: number
}

/** A slot as `cluster.stats()` tells it, also while nobody is in it. */
export interface SlotStats {
  readonly id: number
  /** Workers of it that have ended, for whatever reason. */
  readonly exits: number
  /** Undefined while none has ended. */
  readonly lastExit: LastExit | undefined
}

export interface History {
  readonly reported: (report: { readonly slot: number, readonly pid: number, readonly generation: number }, snapshot: Snapshot) => void
  readonly ended: (exit: WorkerExitEvent) => void
  /** The last reports from a slot, oldest first. */
  readonly of: (slot: number) => readonly HistoryEntry[]
  /** The slots from 1 to `size`, and those beyond in which a worker has ended. */
  readonly slots: (size: number) => SlotStats[]
}

/** One minute at the default interval. */
const REMEMBERED = 120

export function createHistory (clock: () => number = Date.now): History {
  const reports = new Map<number, HistoryEntry[]>()
  const ends = new Map<number, SlotStats>()
  return {
    reported ({ slot, pid, generation }, snapshot) {
      const entries = reports.get(slot) ?? []
      if (entries.push(Object.freeze({ at: clock(), pid, generation, snapshot })) > REMEMBERED) entries.shift()
      reports.set(slot, entries)
    },
    ended ({ id, ...exit }) {
      ends.set(id, Object.freeze({ id, exits: (ends.get(id)?.exits ?? 0) + 1, lastExit: Object.freeze({ at: clock(), ...exit }) }))
    },
    of: slot => [...reports.get(slot) ?? []],
    slots (size) {
      const wanted = Array.from({ length: size }, (_, index) => index + 1)
      // Slot 0 is where spares wait.
      const ids = new Set([...wanted, ...ends.keys()].filter(id => id > 0))
      return [...ids].toSorted((a, b) => a - b).map(id => ends.get(id) ?? { id, exits: 0, lastExit: undefined })
    }
  }
}
