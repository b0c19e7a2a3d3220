// Decides which unhealthy workers rest, and which one is replaced. Pure.

export interface CheckedWorker {
  readonly key: number
  readonly slot: number
  /** Ready, or going because of an earlier choice; others are not looked at. */
  readonly state: 'ready' | 'replaced' | 'other'
  readonly health: 'unchecked' | 'healthy' | 'unhealthy'
  /** Failed checks in a row. */
  readonly failures: number
}

/** How many workers of a slot in a row have been replaced without one healthy report between. */
export type Relapses = ReadonlyMap<number, number>

export interface HealthVerdict {
  /** Those that get no new connections. */
  readonly resting: ReadonlySet<number>
  readonly replace: number | undefined
  readonly relapses: Relapses
}

/** A check may fail for what no replacement mends (a database that is gone): each relapse doubles the patience, up to so many times. */
const MOST_DOUBLINGS = 6

/**
 * @param limit failures in a row after which a worker is replaced
 */
export function judgeHealth (workers: readonly CheckedWorker[], before: Relapses, limit: number): HealthVerdict {
  const ready = workers.filter(({ state }) => state === 'ready')
  const unhealthy = ready.filter(({ health }) => health === 'unhealthy')
  // Somebody must serve: where nobody is fit, all go on.
  const resting = new Set(unhealthy.length < ready.length ? unhealthy.map(({ key }) => key) : [])
  const recovered = new Set(workers.filter(({ health }) => health === 'healthy').map(({ slot }) => slot))
  const relapses = new Map([...before].filter(([slot]) => !recovered.has(slot)))
  const patience = ({ slot }: CheckedWorker): number => limit * 2 ** Math.min(MOST_DOUBLINGS, relapses.get(slot) ?? 0)
  const isBusy = workers.some(({ state }) => state === 'replaced')
  const due = isBusy ? [] : unhealthy.filter(worker => worker.failures >= patience(worker))
  const chosen = due.toSorted((a, b) => b.failures - a.failures)[0]
  if (chosen !== undefined) relapses.set(chosen.slot, (relapses.get(chosen.slot) ?? 0) + 1)
  return { resting, replace: chosen?.key, relapses }
}
