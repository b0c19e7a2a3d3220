// The workers there are, and what was decided about single ones of them.
import type { PlannedWorker } from './plan.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** Why a single worker is to go. */
export type Dismissal = 'retire' | 'recycle' | 'unhealthy'

export interface Roster {
  readonly add: (handle: WorkerHandle) => void
  readonly remove: (handle: WorkerHandle) => void
  readonly get: (key: number) => WorkerHandle | undefined
  readonly all: () => readonly WorkerHandle[]
  readonly dismiss: (handle: WorkerHandle, why: Dismissal) => void
  readonly dismissal: (handle: WorkerHandle) => Dismissal | undefined
  readonly condemn: (handle: WorkerHandle) => void
  readonly planned: () => readonly PlannedWorker[]
  readonly countReady: () => number
  /** Ready, or on the way to it. */
  readonly countLive: () => number
  /** Whether a worker drains that has not let go of its connections yet. */
  readonly isHandingOver: () => boolean
}

export function createRoster (): Roster {
  const handles = new Map<number, WorkerHandle>()
  const dismissed = new Map<WorkerHandle, Dismissal>()
  const hung = new Set<WorkerHandle>()
  const all = (): readonly WorkerHandle[] => [...handles.values()]
  const count = (...states: string[]): number => all().filter(handle => states.includes(handle.state())).length
  return {
    add (handle) { handles.set(handle.key, handle) },
    remove (handle) {
      handles.delete(handle.key)
      dismissed.delete(handle)
      hung.delete(handle)
    },
    get: key => handles.get(key),
    all,
    // Who has ended meanwhile would never be removed again.
    dismiss (handle, why) { if (handles.has(handle.key)) dismissed.set(handle, why) },
    dismissal: handle => dismissed.get(handle),
    condemn (handle) { if (handles.has(handle.key)) hung.add(handle) },
    planned: () => all().map(handle => {
      const { key, slot, generation } = handle
      return { key, slot, generation, state: handle.state(), deadline: handle.deadline(), readyAt: handle.readyAt(), dismissed: dismissed.has(handle), hung: hung.has(handle) }
    }),
    countReady: () => count('ready'),
    countLive: () => count('booting', 'spare', 'ready'),
    isHandingOver: () => all().some(handle => handle.state() === 'draining' && !handle.handedOver())
  }
}
