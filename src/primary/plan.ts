// The supervisor's decision: from what is wanted and what is there, what to do now and when to look again. Pure.

import { NO_SLOT, planSpares, seatSpares } from './plan-spares.ts'
import type { WorkerState } from './worker-states.ts'

/** One worker as the plan sees it. Times in ms of one monotonic clock. */
export interface PlannedWorker {
  readonly key: number
  readonly slot: number
  readonly generation: number
  readonly state: WorkerState
  /** When the present state must be over; Infinity without a limit. */
  readonly deadline: number
  readonly readyAt: number | undefined
  /** To be replaced, although it is of the wanted generation. */
  readonly dismissed: boolean
  /** Ready by its own word, but it gives no sign of life. */
  readonly hung: boolean
}

export interface Desired {
  readonly phase: 'running' | 'stopping'
  readonly size: number
  /** How many workers wait to take a slot over. */
  readonly spares: number
  readonly generation: number
  /** How many slots may be replaced at the same time. */
  readonly concurrency: number
  /** How long a replacement must have been ready before the one it replaces goes, in ms. */
  readonly stableFor: number
  /** When whoever drains must be gone, whatever its own deadline; Infinity without such a limit. */
  readonly drainBy: number
}

export type Action =
  | { readonly type: 'fork', readonly slot: number, readonly generation: number }
  | { readonly type: 'seat', readonly key: number, readonly slot: number }
  | { readonly type: 'retire', readonly key: number, readonly mode: 'stop' | 'retire' }
  | { readonly type: 'kill', readonly key: number, readonly why: 'boot-timeout' | 'drain-timeout' | 'hang' }

export interface Plan {
  readonly actions: readonly Action[]
  /** When time alone changes the plan; Infinity when only an event can. */
  readonly wakeAt: number
}

const NOTHING: Plan = { actions: [], wakeAt: Infinity }

/**
 * @param notBefore when a slot may be forked again (the restart policy's word); in the past where nothing holds it back
 */
export function plan (desired: Desired, workers: readonly PlannedWorker[], notBefore: (slot: number) => number, now: number): Plan {
  const live = workers.filter(isLive)
  const overdue = planOverdue(workers, desired, now)
  if (desired.phase === 'stopping') return join([overdue, { ...NOTHING, actions: live.map(({ key }) => retire(key, 'stop')) }])
  const slots = Array.from({ length: desired.size }, (_, index) => index + 1)
  const surplus = live.filter(({ slot }) => slot > desired.size).map(({ key }) => retire(key, 'retire'))
  const spares = live.filter(({ slot }) => slot === NO_SLOT)
  const inSlot = (slot: number): PlannedWorker[] => live.filter(worker => worker.slot === slot)
  const empty = slots.filter(slot => inSlot(slot).length === 0)
  const isServed = slots.every(slot => inSlot(slot).some(({ state, generation }) => state === 'ready' && generation >= desired.generation))
  const { actions, wakeAt } = join([
    overdue,
    { ...NOTHING, actions: surplus },
    planForks(empty, desired, notBefore, now),
    planReplacements(slots.map(inSlot).filter(there => there.length > 0), desired, notBefore, now),
    planSpares(spares, desired, isServed, notBefore, now)
  ])
  return { actions: seatSpares(actions, spares, desired), wakeAt }
}

/** True once every slot is served by a proven worker of the wanted generation and no other is left but those that drain. */
export function isRolledOut ({ size, generation, stableFor }: Desired, workers: readonly PlannedWorker[], now: number): boolean {
  const live = workers.filter(isSeated)
  const proven = live.filter(worker => worker.generation >= generation && now >= (worker.readyAt ?? Infinity) + stableFor)
  return live.every(worker => worker.generation >= generation) && new Set(proven.map(({ slot }) => slot)).size >= size
}

/** True once each slot is served and nobody lives in another. */
export function isStaffed ({ size }: Pick<Desired, 'size'>, workers: readonly PlannedWorker[]): boolean {
  const live = workers.filter(isSeated)
  const served = new Set(live.filter(({ state }) => state === 'ready').map(({ slot }) => slot))
  return served.size === size && live.every(({ slot }) => slot <= size)
}

function isLive ({ state }: PlannedWorker): boolean {
  return state === 'booting' || state === 'spare' || state === 'ready'
}

function isSeated (worker: PlannedWorker): boolean {
  return isLive(worker) && worker.slot !== NO_SLOT
}

/** When the next worker of the wanted generation will have proved itself. */
export function nextProof ({ generation, stableFor }: Desired, workers: readonly PlannedWorker[], now: number): number {
  const ready = workers.filter(worker => worker.state === 'ready' && worker.generation >= generation)
  return earliest(ready.map(({ readyAt }) => (readyAt ?? Infinity) + stableFor), now)
}

/** Whoever is not ready or not gone in time is killed, and whoever hangs. */
function planOverdue (workers: readonly PlannedWorker[], { drainBy }: Desired, now: number): Plan {
  const limited = workers.filter(({ state }) => state === 'booting' || state === 'draining')
    .map(({ key, state, deadline }) => ({ key, state, deadline: state === 'draining' ? Math.min(deadline, drainBy) : deadline }))
  const late = limited.filter(({ deadline }) => now >= deadline)
  const hung = workers.filter(worker => (worker.state === 'ready' || worker.state === 'spare') && worker.hung)
  return {
    actions: [
      ...late.map(({ key, state }): Action => ({ type: 'kill', key, why: state === 'booting' ? 'boot-timeout' : 'drain-timeout' })),
      ...hung.map(({ key }): Action => ({ type: 'kill', key, why: 'hang' }))
    ],
    wakeAt: earliest(limited.map(({ deadline }) => deadline), now)
  }
}

function planForks (slots: readonly number[], { generation }: Desired, notBefore: (slot: number) => number, now: number): Plan {
  return {
    actions: slots.filter(slot => now >= notBefore(slot)).map(slot => ({ type: 'fork', slot, generation })),
    wakeAt: earliest(slots.map(notBefore), now)
  }
}

/** Slots with workers of an old generation get a new one first, a few slots at a time; the old one goes once the new one has proved itself. */
function planReplacements (slots: ReadonlyArray<readonly PlannedWorker[]>, desired: Desired, notBefore: (slot: number) => number, now: number): Plan {
  const isStale = ({ generation, dismissed }: PlannedWorker): boolean => dismissed || generation < desired.generation
  const mixed = slots.filter(there => there.some(isStale) && !there.every(isStale))
  // A replacement that a reload has made stale goes on in its slot: were the reload given up, it would be one again, beside that of another slot.
  const stale = slots.filter(there => there.every(isStale)).toSorted((a, b) => b.length - a.length).flatMap(there => there[0]?.slot ?? [])
  const due = stale.slice(0, Math.max(0, desired.concurrency - mixed.length))
  const proofs = mixed.map(there => {
    const provenAt = Math.min(...there.filter(worker => !isStale(worker)).map(({ readyAt }) => (readyAt ?? Infinity) + desired.stableFor))
    return { provenAt, replaced: there.filter(isStale) }
  })
  const doubled = slots.flatMap(there => there.filter(worker => !isStale(worker)).toSorted(byMerit).slice(1))
  return join([
    planForks(due, desired, notBefore, now),
    {
      actions: [
        ...proofs.filter(({ provenAt }) => now >= provenAt).flatMap(({ replaced }) => replaced),
        ...doubled
      ].map(({ key }) => retire(key, 'retire')),
      wakeAt: earliest(proofs.map(({ provenAt }) => provenAt), now)
    }
  ])
}

/** Two of one slot after a reload was given up: the one that serves stays, and of two such the older. */
function byMerit (a: PlannedWorker, b: PlannedWorker): number {
  return Number(b.state === 'ready') - Number(a.state === 'ready') || a.key - b.key
}

function retire (key: number, mode: 'stop' | 'retire'): Action {
  return { type: 'retire', key, mode }
}

/** The first of some times that is still to come. */
function earliest (times: readonly number[], now: number): number {
  return Math.min(Infinity, ...times.filter(time => time > now))
}

function join (plans: readonly Plan[]): Plan {
  return { actions: plans.flatMap(({ actions }) => actions), wakeAt: Math.min(...plans.map(({ wakeAt }) => wakeAt)) }
}
