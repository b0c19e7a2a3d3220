// Keeps counters by slot that never go backwards: what each worker counts from its own start is added up over the workers of a slot.
import type { Snapshot } from '../snapshot.ts'
import type { Reporter } from './cluster.ts'

type Counts = Readonly<Record<string, number>>

/** Since the cluster began. */
export interface SlotTotals {
  readonly requests: number
  readonly shed: number
  /** Requests shed, by reason and priority: `<reason>/<priority>`. */
  readonly shedBy: Counts
  /** Responses by class, '2xx' and so on. */
  readonly responses: Counts
  /** Connections that came from, and went to, another worker. */
  readonly movedIn: number
  readonly movedOut: number
  /** Time spent in garbage collection, in ms. */
  readonly gc: number
}

export interface Ledger {
  readonly report: (reporter: Reporter, snapshot: Snapshot) => void
  readonly slot: (id: number) => SlotTotals
  /** Those of which something was reported. */
  readonly slots: () => readonly number[]
  readonly all: () => SlotTotals
}

export const NOTHING: SlotTotals = Object.freeze({ requests: 0, shed: 0, shedBy: Object.freeze({}), responses: Object.freeze({}), movedIn: 0, movedOut: 0, gc: 0 })

export function createLedger (): Ledger {
  const slots = new Map<number, SlotTotals>()
  // By the worker itself: the last report of one that has ended may come after the first of its successor.
  const latest = new WeakMap<Reporter, SlotTotals>()
  return {
    report (reporter, snapshot) {
      // A spare has no slot yet, and nothing to count.
      if (reporter.slot === 0) return
      const before = latest.get(reporter) ?? NOTHING
      const now = totalsOf(snapshot, before.gc)
      latest.set(reporter, now)
      slots.set(reporter.slot, combine(slots.get(reporter.slot) ?? NOTHING, combine(now, before, -1)))
    },
    slot: id => slots.get(id) ?? NOTHING,
    slots: () => [...slots.keys()],
    all: () => [...slots.values()].reduce((sum, slot) => combine(sum, slot), NOTHING)
  }
}

/** Over all priorities. */
export function shedByReason ({ shedBy }: SlotTotals): Counts {
  return Object.entries(shedBy).reduce<Counts>((sums, [key, count]) => {
    const [reason = ''] = key.split('/')
    return { ...sums, [reason]: (sums[reason] ?? 0) + count }
  }, {})
}

/** Garbage collection is reported by the interval, all else since the worker's start. */
function totalsOf ({ requests, connections, shedding, gc }: Snapshot, gcBefore: number): SlotTotals {
  const shedBy = Object.entries(shedding.shed).flatMap(([reason, byPriority]) => Object.entries(byPriority).map(([priority, count]) => [`${reason}/${priority}`, count] as const))
  return {
    requests: requests.total,
    shed: requests.shed,
    shedBy: Object.fromEntries(shedBy),
    responses: requests.responses,
    movedIn: connections.movedIn,
    movedOut: connections.movedOut,
    gc: gcBefore + gc
  }
}

function combine (a: SlotTotals, b: SlotTotals, sign: 1 | -1 = 1): SlotTotals {
  return {
    requests: a.requests + sign * b.requests,
    shed: a.shed + sign * b.shed,
    shedBy: combineCounts(a.shedBy, b.shedBy, sign),
    responses: combineCounts(a.responses, b.responses, sign),
    movedIn: a.movedIn + sign * b.movedIn,
    movedOut: a.movedOut + sign * b.movedOut,
    gc: a.gc + sign * b.gc
  }
}

function combineCounts (a: Counts, b: Counts, sign: 1 | -1): Counts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].map(name => [name, (a[name] ?? 0) + sign * (b[name] ?? 0)]))
}
