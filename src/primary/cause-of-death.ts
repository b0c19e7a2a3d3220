// Why a worker ended, for the log and as the error a caller gets.
import { BootTimeoutError, WorkerDiedError } from '../errors.ts'
import { exitReason } from './exit-reason.ts'
import type { ExitReason } from './exit-reason.ts'
import type { WorkerExit, WorkerHandle } from './worker-handle.ts'

export function reasonOf (handle: WorkerHandle, exit: WorkerExit): ExitReason {
  const ready = handle.bootedAt() !== undefined
  const error = handle.reportedError()
  const memory = handle.snapshot()?.memory
  return exitReason({
    ...exit,
    intent: handle.intent(),
    ready,
    ...error === undefined ? {} : { reported: { during: ready ? 'run' : 'boot', error } },
    ...memory === undefined ? {} : { memory }
  })
}

/** Whether its end is a failure of its own to count: a hang is not, which hangTimeout alone keeps from coming too often. */
export function endedByItself (handle: WorkerHandle): boolean {
  const intent = handle.intent()
  // After an uncaught error: that it then had to be killed changes nothing.
  if (intent === 'kill-drain-timeout') return handle.reportedError() !== undefined
  return intent === 'none' || intent === 'kill-boot-timeout'
}

/** Its own error where it told one. */
export function causeOfDeath (handle: WorkerHandle, exit: WorkerExit, bootTimeout: number): Error {
  if (handle.intent() === 'kill-boot-timeout') return new BootTimeoutError(handle.slot, bootTimeout)
  return handle.reportedError() ?? new WorkerDiedError(handle.slot, reasonOf(handle, exit).text)
}
