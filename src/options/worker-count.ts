// How many workers "auto" means: WEB_CONCURRENCY, else the CPUs that this process may really use.
import { availableParallelism } from 'node:os'
import { InvalidEnvironmentError } from '../errors.ts'
import { cgroupCpuQuota } from './cgroup-quota.ts'

export const MAX_WORKERS = 1024

/** Of a cluster: one process without workers is something else. */
export function isWorkerCount (value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_WORKERS
}

export interface CpuSources {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly parallelism: () => number
  readonly quota: () => number
}

const realSources: CpuSources = { environment: process.env, parallelism: availableParallelism, quota: cgroupCpuQuota }

/**
 * @throws FST_CLUSTERIZE_INVALID_ENV when WEB_CONCURRENCY is set and is not a whole number from 1
 */
export function workerCount (wanted: number | 'auto', sources: CpuSources = realSources): number {
  if (wanted !== 'auto') return wanted
  const fromEnvironment = sources.environment['WEB_CONCURRENCY']
  if (fromEnvironment === undefined || fromEnvironment === '') return usableCpus(sources)
  if (!/^[1-9]\d{0,3}$/.test(fromEnvironment) || Number(fromEnvironment) > MAX_WORKERS) {
    throw new InvalidEnvironmentError('WEB_CONCURRENCY', `a whole number from 1 to ${MAX_WORKERS}`, JSON.stringify(fromEnvironment))
  }
  return Number(fromEnvironment)
}

/** CPUs this process may use: affinity (`os.availableParallelism`) bounded by the cgroup's CPU quota, at least 1. */
export function usableCpus ({ parallelism, quota }: CpuSources = realSources): number {
  return Math.max(1, Math.min(parallelism(), Math.floor(quota())))
}
