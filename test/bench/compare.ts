// Loads several candidates in turn with wrk, and tells for each its rate and the CPU time that a request took.
import type { Build } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
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

/** Runs each load over all candidates; all are up all the time, and idle while it is not their turn. */
export async function compare<Name extends string> (build: Build, candidates: Readonly<Record<Name, CandidateSpec>>, loads: readonly Load[], rounds: number): Promise<Array<Results<Name>>> {
  const names = Object.keys(candidates) as Name[]
  const started = new Map(await Promise.all(names.map(async name => [name, await startCandidate(build, candidates[name])] as const)))
  const results: Array<Results<Name>> = []
  for (const load of loads) {
    results.push(await measureInTurn(names, rounds, async name => {
      const { port, pid, pids } = started.get(name) ?? { port: 0, pid: 0, pids: [] }
      const before = cpuTime([pid, ...pids])
      const result = await wrk({ ...load, port })
      return { ...result, cpu: (cpuTime([pid, ...pids]) - before) / (result.rate * load.seconds) }
    }))
  }
  await Promise.all([...started.values()].map(candidate => candidate.stop()))
  return results
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
