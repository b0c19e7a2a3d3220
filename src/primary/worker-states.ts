// The states of a worker as the primary sees them, and which may follow which.

/** A `spare` has booted and waits, without a slot and without listening. */
export type WorkerState = 'booting' | 'spare' | 'ready' | 'draining' | 'killing' | 'exited'

const NEXT: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  booting: ['spare', 'ready', 'draining', 'killing', 'exited'],
  spare: ['booting', 'draining', 'killing', 'exited'],
  ready: ['draining', 'killing', 'exited'],
  draining: ['killing', 'exited'],
  killing: ['exited'],
  exited: []
}

export function mayFollow (state: WorkerState, next: WorkerState): boolean {
  return NEXT[state].includes(next)
}
