// The one way down for a cluster, whoever asks: a signal, an uncaught error, or close().
import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { KilledError } from '../errors.ts'
import { watchExit } from '../exiting.ts'
import { hintField, hintForError } from '../hints.ts'
import type { Listener } from '../listener/listener.ts'
import type { ResolvedOptions } from '../options/types.ts'
import { listenToSignals } from '../stop-signals.ts'
import { whenAborted } from '../when-aborted.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { obeyOrderSignals } from './order-signals.ts'
import type { Supervisor } from './supervision.ts'

/** Every event close-with-grace listens to: signals come through listenToSignals, which knows one press of Ctrl-C from two, and a second error must not cut requests short. */
const SKIPPED: closeWithGrace.AllEvents[] = [
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2', 'SIGTERM',
  'uncaughtException', 'unhandledRejection', 'beforeExit'
]

// The supervisor keeps the deadlines of a stop; an error may have broken that too, so behind them comes this, in ms.
const BACKSTOP = 5_000
// Of the time allowed, the share for what waits in the primary: the workers stop after that, and need some, too.
const SHARE_OF_WAITING = 0.9
const LONGEST_TIMER = 2 ** 31 - 1

/** How long the cluster goes on serving before it stops, in ms. */
export interface StopOrder { readonly delay: number }

export interface PrimaryEnding {
  /**
   * Stops the cluster once, whoever calls; the process goes on.
   *
   * @throws FST_CLUSTERIZE_KILLED when a worker had to be killed
   */
  readonly close: (reason: string, how?: StopOrder) => Promise<void>
  /** Ends the process with 1: nothing is left to serve. */
  readonly giveUp: (error: Error) => void
  /** Stops the cluster and ends the process, as a signal does. */
  readonly exit: (reason: string) => void
  readonly isStopping: () => boolean
  /** True once the process itself is to exit. */
  readonly isExiting: () => boolean
}

export interface EndingParts {
  readonly supervisor: Supervisor
  readonly listener: Listener
  readonly options: Pick<ResolvedOptions, 'idleGrace' | 'drainTimeout' | 'shutdown'>
  readonly log: PrimaryLog
  readonly events: EventSink
  /** Called when nothing of the cluster is left. */
  readonly onEnd: () => Promise<void>
}

export function createPrimaryEnding ({ supervisor, listener, options, log, events, onEnd }: EndingParts): PrimaryEnding {
  const { idleGrace, drainTimeout, shutdown } = options
  const haste = new AbortController()
  const isAtExit = watchExit()
  let stopping: Promise<void> | undefined
  // Empty as long as the process is to go on.
  let exitReason = ''
  let failure: { readonly error: unknown } | undefined

  // The supervisor keeps every deadline, so close-with-grace needs no timer of its own.
  const grace = closeWithGrace({ delay: false, logger: { error: logUnclean }, skip: SKIPPED }, async () => {
    await close(exitReason, failure === undefined ? shutdown : { delay: 0 })
    if (failure !== undefined) throw failure.error
  })
  const exit = (reason: string): void => {
    if (exitReason !== '') return
    exitReason = reason
    grace.close()
  }
  const forgetErrors = onUncaught(fail)
  const forgetOrders = obeyOrderSignals(supervisor, () => exit('the terminal closed'), log)
  const forgetSignals = listenToSignals({
    onStop: exit,
    onHurry (signal) {
      log.warn({ event: 'stop-hurried', signal, ms: shutdown.fastTimeout }, 'fast stop: little time for requests in flight')
      haste.abort()
      exit(signal)
    },
    onInsist (signal) {
      log.error({ event: 'stop-forced', signal }, 'second signal: workers are killed')
      force()
    }
  })

  const close = (reason: string, how: StopOrder = shutdown): Promise<void> => (stopping ??= stop(reason, how))

  async function stop (reason: string, { delay }: StopOrder): Promise<void> {
    log.info({ event: 'cluster-stopping', reason }, 'cluster stops')
    events.emit('stop', { reason })
    supervisor.announceStop()
    // What comes up during the delay is to know it too.
    events.emitter.on('worker-ready', supervisor.announceStop)
    // Told already that it stops, whoever sends work here can look elsewhere meanwhile.
    if (supervisor.stats().workers.ready > 0) await pause(delay, haste.signal)
    supervisor.announceEnd()
    const begun = performance.now()
    const timeout = haste.signal.aborted ? shutdown.fastTimeout : drainTimeout
    await within(timeout * SHARE_OF_WAITING, listener.drain(idleGrace), haste.signal)
    const stopped = supervisor.stop(Math.max(0, timeout - (performance.now() - begun)))
    whenAborted(haste.signal, () => supervisor.hasten(shutdown.fastTimeout))
    const killed = await stopped
    listener.close()
    await onEnd()
    forgetSignals()
    forgetOrders()
    if (exitReason === '') forgetErrors()
    if (killed.length > 0) throw new KilledError(killed.map(({ id, pid }) => `worker ${id} (pid ${pid}) was killed`).join(', '))
    log.info({ event: 'cluster-stopped' }, 'cluster stopped')
  }

  function logUnclean (err: unknown): void {
    // Nothing else writes the log out once a listener for 'exit' has thrown; a fatal line does.
    if (err !== failure?.error) log[isAtExit() ? 'fatal' : 'error']({ event: 'stop-unclean', err }, 'the stop was not clean')
  }

  /** Also in the middle of a stop: it goes on, since the requests in flight are not to blame. */
  function fail (error: unknown): void {
    failure ??= { error }
    log.fatal({ event: 'primary-failed', err: error, ...hintField(hintForError(error)) }, 'uncaught error in the primary: the cluster stops')
    if (isAtExit()) process.exit(1)
    setTimeout(force, Math.min(LONGEST_TIMER, shutdown.delay + drainTimeout + BACKSTOP)).unref()
    exit('uncaught error in the primary')
  }

  function force (): void {
    supervisor.killAll()
    process.exit(1)
  }

  function giveUp (err: Error): void {
    if (exitReason !== '') return
    failure = { error: err }
    log.fatal({ event: 'cluster-gave-up', err, ...hintField(hintForError(err)) }, 'no worker is left: the cluster gives up')
    exit('crash loop')
  }

  return { close, giveUp, exit, isStopping: () => stopping !== undefined, isExiting: () => exitReason !== '' }
}

function onUncaught (fail: (error: unknown) => void): () => void {
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  return () => {
    process.off('uncaughtException', fail)
    process.off('unhandledRejection', fail)
  }
}

/** What waits in the primary must not hold the stop beyond its time, nor a stop that becomes urgent. */
async function within (timeout: number, work: Promise<void>, urgent: AbortSignal): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, pause(timeout, urgent.aborted ? over.signal : AbortSignal.any([over.signal, urgent]))])
  over.abort()
}

/** Ends early when the signal aborts. */
function pause (timeout: number, signal: AbortSignal): Promise<void> {
  return sleep(timeout, undefined, { signal }).catch(() => {})
}
