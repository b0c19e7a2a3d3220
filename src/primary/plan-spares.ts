// Plans the workers that wait without a slot: kept at their number, of the wanted generation, and seated in place of forks. Pure.
import type { Action, Desired, Plan, PlannedWorker } from './plan.ts'

/** Where a spare sits until it takes a slot. */
export const NO_SLOT = 0

/** Spares are forked only while every slot is served: until then there is more urgent work. */
export function planSpares (spares: readonly PlannedWorker[], desired: Desired, isServed: boolean, notBefore: (slot: number) => number, now: number): Plan {
  const isUseful = ({ generation, dismissed }: PlannedWorker): boolean => generation === desired.generation && !dismissed
  const useful = spares.filter(isUseful)
  // Those that are ready stay.
  const surplus = useful.toSorted((a, b) => Number(b.state === 'spare') - Number(a.state === 'spare')).slice(desired.spares)
  const unwanted = [...spares.filter(spare => !isUseful(spare)), ...surplus]
  const missing = isServed ? Math.max(0, desired.spares - useful.length) : 0
  const isDue = now >= notBefore(NO_SLOT)
  return {
    actions: [
      ...unwanted.map(({ key }): Action => ({ type: 'retire', key, mode: 'retire' })),
      ...Array.from({ length: isDue ? missing : 0 }, (): Action => ({ type: 'fork', slot: NO_SLOT, generation: desired.generation }))
    ],
    wakeAt: missing > 0 && !isDue ? notBefore(NO_SLOT) : Infinity
  }
}

/** A spare that waits for its slot takes one that is about to be forked. */
export function seatSpares (actions: readonly Action[], spares: readonly PlannedWorker[], { generation }: Desired): Action[] {
  const waiting = spares.filter(spare => spare.state === 'spare' && spare.generation === generation && !spare.dismissed && !spare.hung)
  return actions.map(action => {
    const spare = action.type === 'fork' && action.slot !== NO_SLOT ? waiting.shift() : undefined
    return spare === undefined || action.type !== 'fork' ? action : { type: 'seat', key: spare.key, slot: action.slot }
  })
}
