// Decides which workers rest because they shed while others have time to spare: who says no at once looks idle, and would get ever more to do. Pure.

/** One worker over the last period. */
export interface LoadedWorker {
  readonly key: number
  /** The share of its requests that it shed, 0 to 1. */
  readonly shed: number
  /** Whether it may shed what comes now. */
  readonly active: boolean
  /** Event-loop utilization, 0 to 1. */
  readonly utilization: number
  /** Requests a second that it did not shed. */
  readonly served: number
}

/** What is known of a worker from the periods before. */
export interface Strain {
  readonly state: 'serving' | 'resting'
  /** Periods in a row: of shedding while it serves, without any while it rests. */
  readonly periods: number
  /** How often it has rested without having served well in between. */
  readonly relapses: number
}

/** By key; a worker without an entry serves as it should. */
export type Strains = ReadonlyMap<number, Strain>

/** Less than this is a burst. */
const SHEDS_MUCH = 0.2
const SHEDS_NOTHING = 0.01
/** A worker that serves more than this share of what one with time to spare does is not sick: it has more to do, which is for rebalancing to mend. */
const OUTDONE = 0.1
/** Nor does one serve that sheds more than this, even if all come to it and nobody else has anything to do. */
const SHEDS_ALL = 0.95
/** One period may be chance. */
const PERIODS = 2
/** A loop less used than this has time for what another worker sheds. */
const TIME_TO_SPARE = 0.85
/** With what a resting worker gave away they may be fuller. */
const STILL_TIME = 0.97
/** Of rest, at first: without new connections a worker sheds nothing, well or not, so after each relapse it rests twice as long. */
const REST_PERIODS = 4
const MOST_DOUBLINGS = 4
/** So many periods without shedding, and its relapses are forgotten. */
const PROVEN_PERIODS = 20

/**
 * @param workers those that are ready and fit
 */
export function judgeOverload (workers: readonly LoadedWorker[], before: Strains): Strains {
  const full = [...before.values()].some(({ state }) => state === 'resting') ? STILL_TIME : TIME_TO_SPARE
  const spare = workers.filter(({ key, shed, utilization }) => before.get(key)?.state !== 'resting' && shed < SHEDS_NOTHING && utilization < full)
  const most = Math.max(0, ...spare.map(({ served }) => served))
  const next = new Map(workers.flatMap(worker => {
    const strain = step(worker, before.get(worker.key), worker.shed > SHEDS_ALL || worker.served < most * OUTDONE)
    return strain === undefined ? [] : [[worker.key, strain] as const]
  }))
  // Somebody must have the time for what it gives away: where all shed, all go on.
  if (spare.length > 0) return next
  return new Map([...next].map(([key, strain]) => [key, strain.state === 'resting' ? { ...strain, state: 'serving', periods: 0 } : strain]))
}

function step ({ shed, active }: LoadedWorker, before: Strain | undefined, isOutdone: boolean): Strain | undefined {
  const { state, periods, relapses } = before ?? { state: 'serving', periods: 0, relapses: 0 }
  if (state === 'resting') {
    const calm = shed < SHEDS_NOTHING && !active ? periods + 1 : 0
    if (calm < REST_PERIODS * 2 ** Math.min(MOST_DOUBLINGS, relapses)) return { state, periods: calm, relapses }
    return { state: 'serving', periods: 0, relapses: relapses + 1 }
  }
  if (shed >= SHEDS_MUCH && isOutdone) {
    const shedding = Math.max(0, periods) + 1
    return shedding >= PERIODS ? { state: 'resting', periods: 0, relapses } : { state, periods: shedding, relapses }
  }
  if (relapses === 0) return undefined
  // Periods of serving well count downwards.
  const well = Math.min(0, periods) - 1
  return well <= -PROVEN_PERIODS ? undefined : { state, periods: well, relapses }
}
