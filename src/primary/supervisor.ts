// Level-triggered supervision: events change what is wanted or what is there, and reconcile() alone forks, retires and kills.
import { BootFailedError, BootTimeoutError, StoppedError, WorkerDiedError } from '../errors.ts'
import type { Answer } from '../channel.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { deferred } from '../deferred.ts'
import { plan } from './plan.ts'
import type { Action, Desired, PlannedWorker } from './plan.ts'
import type { Restarts } from './restarts.ts'
import { exitSentence } from './exit-sentence.ts'
import type { ForkOrder, WorkerExit, WorkerHandle, WorkerListeners, WorkerView } from './worker-handle.ts'

export interface Supervisor {
  /** Resolves when every worker of the first generation is ready. Throws FST_CLUSTERIZE_BOOT_FAILED, FST_CLUSTERIZE_STOPPED. */
  start: () => Promise<void>
  /** Drains every worker; resolves with those that had to be killed. */
  stop: () => Promise<readonly WorkerView[]>
  /** SIGKILLs every worker in this very tick. */
  killAll: () => void
  workers: () => WorkerView[]
  addresses: () => readonly BoundAddress[]
}

export interface SupervisorParts {
  readonly options: ResolvedOptions
  readonly log: PrimaryLog
  readonly events: EventSink
  readonly restarts: Restarts
  readonly grant: (index: number) => Answer
  readonly fork: (order: ForkOrder, listeners: WorkerListeners) => WorkerHandle
  readonly environment: (slot: number, generation: number) => Record<string, string>
  readonly now?: () => number
}

export function createSupervisor (parts: SupervisorParts): Supervisor {
  const { options, log, restarts, now = () => performance.now() } = parts
  const handles = new Map<number, WorkerHandle>()
  const killed: WorkerView[] = []
  const up = deferred()
  const emptied = deferred()
  let desired: Desired = { phase: 'running', size: options.workers, generation: 1, concurrency: 1, stableFor: 0 }
  const dismissed = new Set<WorkerHandle>()
  let state: 'starting' | 'up' | 'failed' = 'starting'
  let addresses: readonly BoundAddress[] = []
  let alarm: NodeJS.Timeout | undefined

  /** Compares what is wanted with what is there; nothing else forks, retires or kills. */
  function reconcile (): void {
    clearTimeout(alarm)
    const workers = [...handles.values()].map(handle => asPlanned(handle, dismissed.has(handle)))
    const { actions, wakeAt } = plan(desired, workers, restarts.notBefore, now())
    for (const action of actions) act(action)
    if (desired.phase === 'stopping' && handles.size === 0) return emptied.resolve()
    // An action changes what is there, so look again at once: a fork has a deadline of its own.
    if (actions.length > 0) return reconcile()
    if (wakeAt < Infinity) alarm = setTimeout(reconcile, Math.max(1, wakeAt - now()))
  }

  function act (action: Action): void {
    switch (action.type) {
      case 'fork': return forkInto(action.slot, action.generation)
      case 'retire': return handles.get(action.key)?.retire(action.mode, options.drainTimeout)
      case 'kill': return killOverdue(handles.get(action.key), action.why)
      default: return action satisfies never
    }
  }

  function forkInto (slot: number, generation: number): void {
    const { bootTimeout, errorDrainTimeout } = options
    const environment = parts.environment(slot, generation)
    const handle = parts.fork({ slot, generation, bootTimeout, errorDrainTimeout, environment }, listeners)
    handles.set(handle.key, handle)
  }

  function killOverdue (handle: WorkerHandle | undefined, why: 'boot-timeout' | 'drain-timeout'): void {
    if (handle === undefined) return
    killed.push(handle.view())
    // Asked before the kill, since a dead worker cannot say what held it; the log line waits for the answer, the kill at most as long.
    const asked = handle.activity()
    handle.killAfter(asked, `kill-${why}`)
    void asked.then(activity => {
      log.error({ event: 'worker-killed', ...logLabel(handle), reason: why, activity }, 'worker killed over its deadline')
    })
  }

  const listeners: WorkerListeners = {
    grant: parts.grant,
    onReady (handle, reached) {
      if (addresses.length === 0) addresses = reached
      const bootMs = Math.round(now() - handle.forkedAt)
      log.info({ event: 'worker-ready', ...logLabel(handle), ms: bootMs }, 'worker ready')
      parts.events.emit('worker-ready', { ...handle.label(), addresses: reached, bootMs })
      if (state === 'starting' && countReady() >= desired.size) {
        state = 'up'
        up.resolve()
      }
      reconcile()
    },
    onCrashed (handle, error) {
      log.error({ event: 'worker-crashed', ...logLabel(handle), err: error }, 'uncaught error in worker: it drains and is replaced')
      reconcile()
    },
    onSignal (handle, signal) {
      log.info({ event: 'worker-signalled', ...logLabel(handle), signal }, 'worker was signalled: it drains and is replaced')
      dismissed.add(handle)
      reconcile()
    },
    onExit (handle, exit) {
      handles.delete(handle.key)
      dismissed.delete(handle)
      report(handle, exit)
      if (handle.intent() === 'none') restarts.recordExit(handle.slot, now() - handle.forkedAt)
      if (state === 'starting' && handle.readyAt() === undefined && desired.phase === 'running') fail(handle, exit)
      reconcile()
    }
  }

  function report (handle: WorkerHandle, exit: WorkerExit): void {
    const expected = handle.intent() === 'stop' || handle.intent() === 'retire'
    const reason = exitSentence(handle.intent(), exit, handle.reportedError())
    log[expected ? 'info' : 'error']({ event: 'worker-exit', ...handle.label(), ...exit, reason }, 'worker ended')
    parts.events.emit('worker-exit', { ...handle.label(), ...exit, reason, expected })
  }

  /** The first generation could not come up: say why and take everything down, there is nothing to go back to. */
  function fail (handle: WorkerHandle, exit: WorkerExit): void {
    state = 'failed'
    const cause = handle.reportedError() ?? (handle.intent() === 'kill-boot-timeout'
      ? new BootTimeoutError(handle.slot, options.bootTimeout)
      : new WorkerDiedError(handle.slot, exitSentence(handle.intent(), exit, undefined)))
    up.reject(new BootFailedError(cause.message, { cause }))
    desired = { ...desired, phase: 'stopping' }
  }

  function countReady (): number {
    return [...handles.values()].filter(handle => handle.state() === 'ready').length
  }

  return {
    async start () {
      reconcile()
      await up.promise
    },
    async stop () {
      desired = { ...desired, phase: 'stopping' }
      if (state === 'starting') up.reject(new StoppedError())
      reconcile()
      await emptied.promise
      return killed
    },
    killAll () {
      for (const handle of handles.values()) handle.kill('kill-forced')
    },
    workers: () => [...handles.values()].map(handle => handle.view()).toSorted((a, b) => a.id - b.id || a.generation - b.generation),
    addresses: () => addresses
  }
}

function logLabel (handle: WorkerHandle): { slot: number, pid: number, generation: number } {
  const { id: slot, pid, generation } = handle.label()
  return { slot, pid, generation }
}

function asPlanned (handle: WorkerHandle, dismissed: boolean): PlannedWorker {
  const { key, slot, generation } = handle
  return { key, slot, generation, state: handle.state(), deadline: handle.deadline(), readyAt: handle.readyAt(), dismissed }
}
