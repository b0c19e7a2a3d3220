// The state of rolling reloads: one at a time, one more may wait, each with its outcome.
import { deferred } from '../deferred.ts'
import type { Deferred } from '../deferred.ts'

export interface ReloadReport {
  /** The generation that serves now. */
  readonly generation: number
  /** In ms. */
  readonly duration: number
}

interface Running { readonly from: number, readonly to: number, readonly startedAt: number, readonly outcome: Deferred<ReloadReport> }

export interface Reloads {
  /**
   * Asks for a reload. While one runs, the next waits for it, and whoever asks meanwhile shares that one:
   * code that changed after a worker of this reload was forked must not be missed.
   */
  readonly request: () => Promise<ReloadReport>
  readonly running: () => { from: number, to: number } | undefined
  readonly succeed: () => void
  readonly fail: (error: Error) => void
  /** Rejects what runs and what waits. */
  readonly abandon: (error: Error) => void
}

export interface ReloadHooks {
  /** Begins a reload and tells between which generations. */
  readonly begin: () => { from: number, to: number }
  readonly ended: (running: { from: number, to: number }, report: ReloadReport | Error) => void
  readonly now: () => number
}

export function createReloads ({ begin, ended, now }: ReloadHooks): Reloads {
  let running: Running | undefined
  let waiting: Deferred<ReloadReport> | undefined

  const start = (outcome: Deferred<ReloadReport>): void => {
    running = { ...begin(), startedAt: now(), outcome }
  }

  const end = (result: (running: Running) => ReloadReport | Error): void => {
    if (running === undefined) return
    const finished = running
    const report = result(finished)
    running = undefined
    ended(finished, report)
    if (report instanceof Error) finished.outcome.reject(report)
    else finished.outcome.resolve(report)
    const next = waiting
    waiting = undefined
    if (next !== undefined) start(next)
  }

  return {
    request () {
      if (running !== undefined) return (waiting ??= deferred()).promise
      const outcome = deferred<ReloadReport>()
      start(outcome)
      return outcome.promise
    },
    running: () => running,
    succeed: () => end(({ to, startedAt }) => ({ generation: to, duration: Math.round(now() - startedAt) })),
    fail: error => end(() => error),
    abandon (error) {
      waiting?.reject(error)
      waiting = undefined
      end(() => error)
    }
  }
}
