// Says why a worker ended: in one sentence, or as the error a caller gets.
import { BootTimeoutError, WorkerDiedError } from '../errors.ts'
import type { Intent, WorkerExit, WorkerHandle } from './worker-handle.ts'

const INTENDED: Readonly<Record<Exclude<Intent, 'none'>, string>> = {
  stop: 'the cluster stops',
  retire: 'it was replaced or is no longer wanted',
  'kill-boot-timeout': 'it was killed because it was not ready within bootTimeout',
  'kill-drain-timeout': 'it was killed because it did not finish within drainTimeout',
  'kill-forced': 'it was killed because the stop was forced'
}

export function exitSentence (intent: Intent, { code, signal }: WorkerExit, error: Error | undefined): string {
  if (intent !== 'none') return INTENDED[intent]
  if (error !== undefined) return `uncaught ${error.name}: ${error.message}`
  return signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`
}

/** Its own error where it told one. */
export function causeOfDeath (handle: WorkerHandle, exit: WorkerExit, bootTimeout: number): Error {
  if (handle.intent() === 'kill-boot-timeout') return new BootTimeoutError(handle.slot, bootTimeout)
  return handle.reportedError() ?? new WorkerDiedError(handle.slot, exitSentence(handle.intent(), exit, undefined))
}
