// Loads several candidates in turn with wrk, and tells for each its rate and the CPU time that a request took.
import type { Build } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { Candidate, CandidateSpec } from './candidate.ts'
import { cpuTime } from './processes.ts'
import { measureInTurn, median, medianRatio } from './rounds.ts'
import { wrk } from './wrk.ts'
import type { WrkOptions, WrkResult } from './wrk.ts'

export interface Measured extends WrkResult {
  /** Of all the candidate's processes, for one request, in µs. */
  readonly cpu: number
}

export type Load = Omit<WrkOptions, 'port'>
export type Results<Name extends string> = Record<Name, Measured[]>

/**
 * Runs each load over all candidates; all are up all the time, and idle while it is not their turn.
 *
 * @param starts how often all are started anew, with `rounds` rounds each time: two processes of the same code differ by some percent for as long
 *   as they live, and so do two clusters by how the connections fell on their workers
 */
export async function compare<Name extends string> (build: Build, candidates: Readonly<Record<Name, CandidateSpec>>, loads: readonly Load[], rounds: number, starts = 1): Promise<Array<Results<Name>>> {
  const names = Object.keys(candidates) as Name[]
  const results = loads.map(() => Object.fromEntries(names.map(name => [name, []])) as unknown as Results<Name>)
  for (let start = 0; start < starts; start++) {
    const started = new Map(await Promise.all(names.map(async name => [name, await startCandidate(build, candidates[name])] as const)))
    for (const [index, load] of loads.entries()) {
      const measured = await measureInTurn(names, rounds, name => measure(started.get(name), load))
      for (const name of names) results[index]?.[name].push(...measured[name])
    }
    await Promise.all([...started.values()].map(candidate => candidate.stop()))
  }
  return results
}

async function measure (candidate: Candidate | undefined, load: Load): Promise<Measured> {
  const { port, pid, pids } = candidate ?? { port: 0, pid: 0, pids: [] }
  const before = cpuTime([pid, ...pids])
  const result = await wrk({ ...load, port })
  return { ...result, cpu: (cpuTime([pid, ...pids]) - before) / (result.rate * load.seconds) }
}

export function middle (results: readonly Measured[] | undefined, key: keyof Measured): number {
  return median((results ?? []).map(result => result[key]))
}

export function ratioOfRates<Name extends string> (results: Results<Name>, ours: Name, theirs: Name): number {
  return medianRatio(results[ours].map(({ rate }) => rate), results[theirs].map(({ rate }) => rate))
}

/** The same of the CPU time of a request, which what else the machine does touches less. */
export function ratioOfCpu<Name extends string> (results: Results<Name>, ours: Name, theirs: Name): number {
  return medianRatio(results[ours].map(({ cpu }) => cpu), results[theirs].map(({ cpu }) => cpu))
}

export function failuresOf (results: readonly Measured[]): number {
  return results.reduce((sum, { non2xx, socketErrors }) => sum + non2xx + socketErrors, 0)
}
