// The one way a worker ends by itself: drain once, through close-with-grace, and exit.
import closeWithGrace from 'close-with-grace'
import { watchExit } from '../exiting.ts'

/** Every event close-with-grace listens to: the primary decides on signals, and a second error must not cut requests short, so all are skipped. */
const SKIPPED: closeWithGrace.AllEvents[] = [
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2', 'SIGTERM',
  'uncaughtException', 'unhandledRejection', 'beforeExit'
]

// The drain keeps its own deadline; close-with-grace's timer is the backstop behind it, in ms.
const BACKSTOP = 1_000

export interface Ending {
  /** Drains within `timeout` ms and exits with 0. A second call changes nothing. */
  begin: (timeout: number) => void
  /** From now on, until the returned function is called, an uncaught error is reported, and the worker drains within `timeout` ms and exits with 1. */
  onUncaught: (timeout: number) => () => void
  /** Ends the process now. */
  exit: (code: number) => Promise<never>
}

export function createEnding (finish: (timeout: number) => Promise<void>, report: (error: unknown) => Promise<void>): Ending {
  let state: 'running' | 'ending' | 'failed' = 'running'
  let reported: Promise<void> = Promise.resolve()
  const isAtExit = watchExit()

  const start = (timeout: number): void => {
    const grace = closeWithGrace({ delay: timeout + BACKSTOP, logger: { error: reportAtExit }, skip: SKIPPED }, async () => {
      await finish(timeout)
      await reported
      if (state === 'failed') throw new Error('ended by an uncaught error')
    })
    grace.close()
  }

  /** Every other error on the way down has been reported where it came up. */
  function reportAtExit (error: unknown): void {
    if (isAtExit()) void report(error).catch(() => {})
  }

  return {
    begin (timeout) {
      if (state !== 'running') return
      state = 'ending'
      start(timeout)
    },
    onUncaught (timeout) {
      const fail = (error: unknown): void => {
        const begun = state !== 'running'
        state = 'failed'
        // What cannot be reported must not be one more error to report.
        reported = report(error).catch(() => {})
        if (isAtExit()) process.exit(1)
        if (!begun) start(timeout)
      }
      process.on('uncaughtException', fail)
      process.on('unhandledRejection', fail)
      return () => {
        process.off('uncaughtException', fail)
        process.off('unhandledRejection', fail)
      }
    },
    exit (code) {
      process.exit(code)
    }
  }
}
