// Puts the status of one slot together from its workers, their reports and the ledger. Pure.
import type { HistoryEntry, SlotStats } from '../primary/history.ts'
import type { WorkerView } from '../primary/worker-handle.ts'
import { NOTHING, shedByReason } from './ledger.ts'
import type { SlotTotals } from './ledger.ts'
import type { OtherWorker, SlotStatus } from './status.ts'

export interface SlotFacts {
  readonly stats: SlotStats
  /** The slot's workers, the oldest first. */
  readonly workers: readonly WorkerView[]
  readonly history: readonly HistoryEntry[]
  readonly totals: SlotTotals
}

export function slotStatus ({ stats: { id, exits, lastExit }, workers, history, totals }: SlotFacts): SlotStatus {
  const ready = workers.filter(({ state }) => state === 'ready')
  const shown = ready.findLast(worker => worker.snapshot !== undefined) ?? ready.at(-1) ?? workers.at(-1)
  const snapshot = shown?.snapshot
  return {
    id,
    state: shown?.state ?? 'empty',
    pid: shown?.pid ?? null,
    generation: shown?.generation ?? null,
    uptime: shown?.uptime ?? null,
    health: snapshot?.health ?? null,
    utilization: snapshot?.utilization ?? null,
    loopDelay: snapshot?.loopDelay ?? null,
    memory: snapshot?.memory ?? null,
    connections: snapshot === undefined ? null : { open: snapshot.connections.open, idle: snapshot.connections.idle },
    requests: { total: totals.requests, inFlight: snapshot?.requests.inFlight ?? 0, perSecond: Math.round(snapshot?.requests.rate ?? 0), responses: totals.responses },
    shed: { total: totals.shed, perSecond: shedRate(history.filter(({ pid }) => pid === shown?.pid)), byReason: shedByReason(totals) },
    exits,
    lastExit: lastExit ?? null,
    others: workers.filter(worker => worker !== shown).map(otherWorker)
  }
}

/** A slot nobody is in any more. */
export function emptySlot (id: number): SlotStatus {
  return slotStatus({ stats: { id, exits: 0, lastExit: undefined }, workers: [], history: [], totals: NOTHING })
}

/** From the last two reports of one worker. */
function shedRate (reports: readonly HistoryEntry[]): number {
  const [before, now] = reports.slice(-2)
  if (before === undefined || now === undefined || now.at <= before.at) return 0
  return Math.round((now.snapshot.requests.shed - before.snapshot.requests.shed) * 1000 / (now.at - before.at))
}

function otherWorker ({ pid, generation, state, uptime, snapshot }: WorkerView): OtherWorker {
  return { pid, generation, state, uptime, inFlight: snapshot?.requests.inFlight ?? 0 }
}
