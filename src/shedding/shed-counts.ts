// Counts what was shed, by reason and priority.
import type { PerPriority, Priority } from './priorities.ts'
import type { OverloadReason } from './shedder.ts'

/** Why a request was shed: the first three by the plugin itself, the others by the limits of `@fastify/under-pressure`. */
export type ShedReason = OverloadReason | 'event-loop-delay' | 'event-loop-utilization' | 'heap' | 'rss' | 'health-check'

/** Requests shed so far; a reason that never came is left out. */
export type ShedByReason = Readonly<Partial<Record<ShedReason, Readonly<PerPriority>>>>

export interface ShedCounts {
  readonly count: (reason: ShedReason, priority: Priority) => void
  readonly total: () => number
  readonly byReason: () => ShedByReason
}

export function createShedCounts (): ShedCounts {
  const counted: Partial<Record<ShedReason, PerPriority>> = {}
  let total = 0
  return {
    count (reason, priority) {
      total++
      const ofReason = counted[reason] ??= { critical: 0, normal: 0, sheddable: 0 }
      ofReason[priority]++
    },
    total: () => total,
    byReason: () => structuredClone(counted)
  }
}
