// How a forked process knows that it is a worker of ours, and which.
import type { WorkerInfo } from './worker-info.ts'

/** Set by the primary at fork; taken out of the environment at once, so that a worker's own children do not inherit it. */
export const WORKER_VARIABLE = 'FASTIFY_CLUSTERIZE_WORKER'

export function takeWorkerVariable (environment: NodeJS.ProcessEnv = process.env): Pick<WorkerInfo, 'id' | 'generation'> | undefined {
  const value = environment[WORKER_VARIABLE]
  if (value === undefined) return undefined
  delete environment[WORKER_VARIABLE]
  return JSON.parse(value) as Pick<WorkerInfo, 'id' | 'generation'>
}
