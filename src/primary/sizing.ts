// The state of scale orders: whoever gives one is told when the cluster has the size that was asked for last.
import { deferred } from '../deferred.ts'
import type { Deferred } from '../deferred.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'

export interface Sizing {
  /** Resolves with the size the cluster has come to: this one, or a later order's. */
  readonly request: (from: number, to: number) => Promise<number>
  readonly isPending: () => boolean
  readonly succeed: (size: number) => void
  readonly abandon: (error: Error) => void
}

export function createSizing (log: PrimaryLog, events: EventSink): Sizing {
  let pending: Deferred<number> | undefined
  const settle = (how: (outcome: Deferred<number>) => void): void => {
    const outcome = pending
    pending = undefined
    if (outcome !== undefined) how(outcome)
  }
  return {
    request (from, to) {
      log.info({ event: 'scale-started', from, to }, 'the number of workers changes')
      events.emit('scale', { state: 'started', from, to })
      return (pending ??= deferred()).promise
    },
    isPending: () => pending !== undefined,
    succeed: size => settle(outcome => {
      log.info({ event: 'scale-done', workers: size }, 'the number of workers is as wanted')
      events.emit('scale', { state: 'done', workers: size })
      outcome.resolve(size)
    }),
    abandon: error => settle(outcome => outcome.reject(error))
  }
}
