// Whether the cluster comes up: it is up once every worker of the first generation is ready, and failed once that cannot be any more.
import { deferred } from '../deferred.ts'
import { BootFailedError } from '../errors.ts'
import { causeOfDeath } from './cause-of-death.ts'
import type { WorkerExit, WorkerHandle } from './worker-handle.ts'

/** Whatever comes after the first outcome changes nothing. */
export interface FirstBoot {
  readonly isUp: () => boolean
  /** Throws FST_CLUSTERIZE_BOOT_FAILED, and what `abandon` is given. */
  readonly whenUp: () => Promise<void>
  readonly succeed: () => void
  readonly fail: (cause: Error) => void
  /** A worker ends, or has to: a failure where it has not been ready. */
  readonly lost: (handle: WorkerHandle, exit?: WorkerExit) => void
  readonly abandon: (reason: Error) => void
}

/** @param onFailed has everything taken down: there is nothing to go back to */
export function createFirstBoot (bootTimeout: number, onFailed: () => void): FirstBoot {
  const up = deferred()
  let state: 'starting' | 'up' | 'over' = 'starting'

  const abandon = (reason: Error): void => {
    if (state !== 'starting') return
    state = 'over'
    up.reject(reason)
  }
  const fail = (cause: Error): void => {
    if (state !== 'starting') return
    abandon(new BootFailedError(cause.message, { cause }))
    onFailed()
  }

  return {
    isUp: () => state === 'up',
    whenUp: () => up.promise,
    succeed () {
      if (state !== 'starting') return
      state = 'up'
      up.resolve()
    },
    fail,
    lost (handle, exit = { code: null, signal: null }) {
      if (state === 'starting' && handle.readyAt() === undefined) fail(causeOfDeath(handle, exit, bootTimeout))
    },
    abandon
  }
}
