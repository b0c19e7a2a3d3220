// Keeps counters by slot that never go backwards: what each worker counts from its own start is added up over the workers of a slot.
import type { Snapshot } from '../snapshot.ts'
import type { Reporter } from './cluster.ts'

/** Since the cluster began. */
export interface SlotTotals {
  readonly requests: number
  readonly shed: number
  /** Responses by class, '2xx' and so on. */
  readonly responses: Readonly<Record<string, number>>
  /** Connections that came from, and went to, another worker. */
  readonly movedIn: number
  readonly movedOut: number
  /** Time spent in garbage collection, in ms. */
  readonly gc: number
}

export interface Ledger {
  readonly report: (reporter: Reporter, snapshot: Snapshot) => void
  readonly slot: (id: number) => SlotTotals
  readonly all: () => SlotTotals
}

const NOTHING: SlotTotals = Object.freeze({ requests: 0, shed: 0, responses: Object.freeze({}), movedIn: 0, movedOut: 0, gc: 0 })

export function createLedger (): Ledger {
  const slots = new Map<number, SlotTotals>()
  // By the worker itself: the last report of one that has ended may come after the first of its successor.
  const latest = new WeakMap<Reporter, SlotTotals>()
  return {
    report (reporter, snapshot) {
      const before = latest.get(reporter) ?? NOTHING
      const now = totalsOf(snapshot, before.gc)
      latest.set(reporter, now)
      slots.set(reporter.slot, combine(slots.get(reporter.slot) ?? NOTHING, combine(now, before, -1)))
    },
    slot: id => slots.get(id) ?? NOTHING,
    all: () => [...slots.values()].reduce((sum, slot) => combine(sum, slot), NOTHING)
  }
}

/** Garbage collection is reported by the interval, all else since the worker's start. */
function totalsOf ({ requests, connections, gc }: Snapshot, gcBefore: number): SlotTotals {
  return { requests: requests.total, shed: requests.shed, responses: requests.responses, movedIn: connections.movedIn, movedOut: connections.movedOut, gc: gcBefore + gc }
}

function combine (a: SlotTotals, b: SlotTotals, sign: 1 | -1 = 1): SlotTotals {
  const names = new Set([...Object.keys(a.responses), ...Object.keys(b.responses)])
  return {
    requests: a.requests + sign * b.requests,
    shed: a.shed + sign * b.shed,
    responses: Object.fromEntries([...names].map(name => [name, (a.responses[name] ?? 0) + sign * (b.responses[name] ?? 0)])),
    movedIn: a.movedIn + sign * b.movedIn,
    movedOut: a.movedOut + sign * b.movedOut,
    gc: a.gc + sign * b.gc
  }
}
