// Decides which worker gives load away, to whom and how much: connections stay where they were accepted, and some are busier than others. Pure.

/** One worker over the last period. */
export interface WorkerPeriod {
  readonly id: number
  /** Event-loop utilization, 0 to 1. */
  readonly utilization: number
  /** Requests a second. */
  readonly requestRate: number
  readonly idleConnections: number
}

/** How much a worker has been above the others, over periods in a row. */
export interface Excess {
  /** Of what its share of the mean was above 1, less what is tolerated. */
  readonly sum: number
  readonly periods: number
}

/** By id; a worker that is not above the others has none. */
export type Heavy = ReadonlyMap<number, Excess>

/** `from` gives idle connections that make about `rate` requests a second, `max` at most, to `to`. */
export interface Move { readonly from: number, readonly to: number, readonly rate: number, readonly max: number }

/** Up to this much above the mean, as a share of it, loads are even. */
const TOLERATED = 0.05
/** What the sum must reach. A worker with 1.2 times the mean is there in two periods, with 1.1 in six. */
const CLEAR = 0.3
/** One period may be chance. After a move the count begins anew, so its effect is seen before the next. */
const PERIODS = 2
/** Where some are full, utilization still tells who is above the others if one is so many times above the mean. */
const FAR_ABOVE = 1.2
/** Below this mean utilization loops have time for everybody, and its noise would be followed. */
const BUSY = 0.1
/** Below this many requests a second altogether, rates are noise too. */
const MANY_REQUESTS = 20
/** Above this a worker is full: how much too much it has, its utilization does not tell, and its rate of requests does. */
const FULL = 0.95
/** At most this share of a worker's idle connections goes to one other in one go, and a few in any case. */
const SHARE = 0.25
const FEW = 4
/** The giver knows the rates of its connections only roughly: aim a little short of the mean. */
const CAUTION = 0.95

type Measure = (worker: WorkerPeriod) => number

const byUtilization: Measure = ({ utilization }) => utilization
const byRate: Measure = ({ requestRate }) => requestRate

/**
 * That a worker is heavy is told by a cumulative sum (CUSUM; Page, "Continuous Inspection Schemes", 1954): rates of half a second are noisy,
 * so a small excess counts only when it lasts.
 */
export function rebalance (workers: readonly WorkerPeriod[], before: Heavy): { moves: readonly Move[], heavy: Heavy } {
  const measure = chooseMeasure(workers)
  if (measure === undefined) return { moves: [], heavy: new Map() }
  const mean = average(workers.map(measure))
  const heavy = new Map<number, Excess>()
  const givers: Array<{ worker: WorkerPeriod, load: number }> = []
  for (const worker of workers) {
    const excess = nextExcess(before.get(worker.id), measure(worker) / mean)
    if (excess === undefined || !mayGive(worker, workers, measure)) continue
    if (excess.sum < CLEAR || excess.periods < PERIODS || worker.idleConnections === 0) heavy.set(worker.id, excess)
    // As the periods have it on average, unless the last one is below that.
    else givers.push({ worker, load: Math.min(measure(worker), mean * (1 + TOLERATED + excess.sum / excess.periods)) })
  }
  const takers = workers.filter(worker => measure(worker) < mean && mayTake(worker, workers, measure))
  return { moves: share(givers, takers, measure, mean), heavy }
}

function nextExcess (before: Excess | undefined, ratio: number): Excess | undefined {
  const { sum, periods } = before ?? { sum: 0, periods: 0 }
  if (ratio <= 1) return undefined
  return { sum: Math.max(0, sum + ratio - 1 - TOLERATED), periods: periods + 1 }
}

/** The heaviest gives first, to the lightest first: what is above the mean to who is below it, and nobody passes it. */
function share (givers: ReadonlyArray<{ worker: WorkerPeriod, load: number }>, takers: readonly WorkerPeriod[], measure: Measure, mean: number): Move[] {
  const room = new Map(takers.toSorted((a, b) => measure(a) - measure(b)).map(taker => [taker, (mean - measure(taker)) * CAUTION]))
  const moves: Move[] = []
  for (const { worker, load } of givers.toSorted((a, b) => b.load - a.load)) {
    let excess = (load - mean) * CAUTION
    for (const [taker, free] of room) {
      const moved = Math.min(excess, free)
      const rate = worker.requestRate * moved / load
      if (rate <= 0) continue
      moves.push({ from: worker.id, to: taker.id, rate, max: Math.max(FEW, Math.ceil(worker.idleConnections * SHARE)) })
      room.set(taker, free - moved)
      excess -= moved
    }
  }
  return moves
}

/** Utilization is what counts; where loops are mostly free it says little, and rates say more. */
function chooseMeasure (workers: readonly WorkerPeriod[]): Measure | undefined {
  if (workers.length < 2) return undefined
  const mean = average(workers.map(byUtilization))
  const tells = workers.every(({ utilization }) => utilization <= FULL) || workers.some(({ utilization }) => utilization > mean * FAR_ABOVE)
  if (mean >= BUSY && tells) return byUtilization
  return average(workers.map(byRate)) * workers.length >= MANY_REQUESTS ? byRate : undefined
}

/** A high rate of light requests is no load: where somebody is full, only who is full gives by its rate, and to one that is not while there is one. */
function mayGive ({ utilization }: WorkerPeriod, workers: readonly WorkerPeriod[], measure: Measure): boolean {
  return measure === byUtilization || utilization > FULL || workers.every(worker => worker.utilization <= FULL)
}

function mayTake ({ utilization }: WorkerPeriod, workers: readonly WorkerPeriod[], measure: Measure): boolean {
  return measure === byUtilization || utilization <= FULL || workers.every(worker => worker.utilization > FULL)
}

function average (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
