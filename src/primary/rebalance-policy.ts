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

/** How many periods in a row each worker has been clearly above the others. */
export type Heavy = ReadonlyMap<number, number>

/** `from` gives idle connections that make about `rate` requests a second, `max` at most, to `to`. `relieves`: that one has time. */
export interface Move { readonly from: number, readonly to: number, readonly rate: number, readonly max: number, readonly relieves: boolean }

/** Clearly above: so many times the mean. Moves aim at the mean, so what they leave is well below and does not trigger again. */
const CLEARLY_ABOVE = 1.2
/** One period may be chance. After a move the count begins anew, so its effect is seen before the next. */
const PERIODS = 2
/** Below this mean utilization loops have time for everybody, and its noise would be followed. */
const BUSY = 0.1
/** Below this many requests a second altogether, rates are noise too. */
const MANY_REQUESTS = 20
/** Above this a worker is full: how much too much it has, its utilization does not tell, and its rate of requests does. */
const FULL = 0.95
/** At most this share of a worker's idle connections leaves in one go, and a few in any case. */
const SHARE = 0.25
const FEW = 4
/** The giver knows the rates of its connections only roughly: aim a little short of the mean. */
const CAUTION = 0.95

type Measure = (worker: WorkerPeriod) => number

const byUtilization: Measure = ({ utilization }) => utilization
const byRate: Measure = ({ requestRate }) => requestRate

export function rebalance (workers: readonly WorkerPeriod[], heavy: Heavy): { moves: readonly Move[], heavy: Heavy } {
  const measure = chooseMeasure(workers)
  if (measure === undefined) return { moves: [], heavy: new Map() }
  const mean = average(workers.map(measure))
  const above = workers.filter(worker => measure(worker) > mean * CLEARLY_ABOVE && mayGive(worker, workers, measure))
  const counted = new Map(above.map(({ id }) => [id, (heavy.get(id) ?? 0) + 1]))
  const givers = above.filter(({ id, idleConnections }) => (counted.get(id) ?? 0) >= PERIODS && idleConnections > 0).toSorted((a, b) => measure(b) - measure(a))
  const takers = workers.filter(worker => measure(worker) < mean && mayTake(worker, workers, measure)).toSorted((a, b) => measure(a) - measure(b))
  // The heaviest gives to the lightest, the next to the next: nobody is given to twice in a period.
  const moves = givers.slice(0, takers.length).flatMap((giver, index) => moveBetween(giver, takers[index], measure, mean))
  for (const { from } of moves) counted.delete(from)
  return { moves, heavy: counted }
}

/** Utilization is what counts; where loops are mostly free it says little, and rates say more. */
function chooseMeasure (workers: readonly WorkerPeriod[]): Measure | undefined {
  if (workers.length < 2) return undefined
  const mean = average(workers.map(byUtilization))
  const tells = workers.every(({ utilization }) => utilization <= FULL) || workers.some(({ utilization }) => utilization > mean * CLEARLY_ABOVE)
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

function moveBetween (giver: WorkerPeriod, taker: WorkerPeriod | undefined, measure: Measure, mean: number): Move[] {
  if (taker === undefined) return []
  const load = measure(giver)
  // Neither below the mean itself, nor the other above it.
  const excess = Math.min(load - mean, mean - measure(taker)) * CAUTION
  const rate = giver.requestRate * excess / load
  const max = Math.max(FEW, Math.ceil(giver.idleConnections * SHARE))
  return rate > 0 ? [{ from: giver.id, to: taker.id, rate, max, relieves: taker.utilization <= FULL }] : []
}

function average (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
