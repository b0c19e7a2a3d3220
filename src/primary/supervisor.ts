// Level-triggered supervision: events change what is wanted or what is there, and reconcile() alone forks, retires and kills.
import { BootFailedError, ReloadFailedError, StoppedError } from '../errors.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress, DrainMode } from '../protocol.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { deferred } from '../deferred.ts'
import type { Listener } from '../listener/listener.ts'
import { isRolledOut, nextProof, plan } from './plan.ts'
import type { Action, Desired, PlannedWorker } from './plan.ts'
import type { ReloadReport } from './reload.ts'
import { createReports } from './reports.ts'
import { createRolling } from './rolling.ts'
import type { Restarts } from './restarts.ts'
import { statsOf } from './stats.ts'
import type { ClusterStats } from './stats.ts'
import { causeOfDeath } from './cause-of-death.ts'
import { isOrdered } from './worker-handle.ts'
import type { ForkOrder, WorkerExit, WorkerHandle, WorkerListeners, WorkerView } from './worker-handle.ts'

/** Why a single worker is to go. */
export type Dismissal = 'retire' | 'recycle'

export interface Supervisor {
  /** Resolves when every worker of the first generation is ready. Throws FST_CLUSTERIZE_BOOT_FAILED, FST_CLUSTERIZE_STOPPED. */
  start: () => Promise<void>
  /** Drains every worker within `timeout` ms; resolves with those that had to be killed. */
  stop: (timeout: number) => Promise<readonly WorkerView[]>
  /**
   * Replaces every worker by one that runs what is on disk now, the old one draining only once the new one has proved itself.
   * Throws FST_CLUSTERIZE_RELOAD_FAILED with the cause: then the old workers serve on. Throws FST_CLUSTERIZE_STOPPED when a stop comes first.
   */
  reload: () => Promise<ReloadReport>
  /** Has a worker replaced; it drains once its replacement has proved itself. */
  dismiss: (handle: WorkerHandle, why: Dismissal) => void
  /** Has a worker killed that gives no sign of life. */
  condemn: (handle: WorkerHandle) => void
  /** SIGKILLs every worker in this very tick. */
  killAll: () => void
  workers: () => WorkerView[]
  handles: () => readonly WorkerHandle[]
  /** Before a stop: from now on each response ends its connection. */
  announceEnd: () => void
  addresses: () => readonly BoundAddress[]
  stats: () => ClusterStats
}

export interface SupervisorParts {
  readonly options: ResolvedOptions
  readonly log: PrimaryLog
  readonly events: EventSink
  readonly restarts: Restarts
  readonly listener: Listener
  readonly fork: (order: ForkOrder, listeners: WorkerListeners) => WorkerHandle
  readonly environment: (slot: number, generation: number) => Record<string, string>
  readonly now?: () => number
}

export function createSupervisor (parts: SupervisorParts): Supervisor {
  const { options, restarts, now = () => performance.now() } = parts
  const reports = createReports(parts.log, parts.events)
  const handles = new Map<number, WorkerHandle>()
  const killed: WorkerView[] = []
  const up = deferred()
  const emptied = deferred()
  let desired: Desired = { phase: 'running', size: options.workers, generation: 1, ...options.reload }
  let newest = 1
  let stopTimeout = options.drainTimeout
  let restarted = 0
  const dismissed = new Map<WorkerHandle, Dismissal>()
  const hung = new Set<WorkerHandle>()
  let state: 'starting' | 'up' | 'failed' = 'starting'
  let addresses: readonly BoundAddress[] = []
  let alarm: NodeJS.Timeout | undefined

  const reloads = createRolling({
    now,
    begin () {
      const from = desired.generation
      desired = { ...desired, generation: ++newest }
      restarts.forget()
      queueMicrotask(reconcile)
      return { from, to: newest }
    },
    // Workers that stay are no longer outdated, and those that came too late for their slot go.
    giveUp (from) { desired = { ...desired, generation: from } }
  }, parts.log, parts.events)

  /** Compares what is wanted with what is there; nothing else forks, retires or kills. */
  function reconcile (): void {
    clearTimeout(alarm)
    const workers = [...handles.values()].map(handle => asPlanned(handle, { dismissed: dismissed.has(handle), hung: hung.has(handle) }))
    if (reloads.running() !== undefined && isRolledOut(desired, workers, now()) && !someoneStillServes()) reloads.succeed()
    const { actions, wakeAt: planned } = plan(desired, workers, restarts.notBefore, now())
    const wakeAt = reloads.running() === undefined ? planned : Math.min(planned, nextProof(desired, workers, now()))
    for (const action of actions) act(action)
    if (desired.phase === 'stopping' && handles.size === 0) return emptied.resolve()
    // An action changes what is there, so look again at once: a fork has a deadline of its own.
    if (actions.length > 0) return reconcile()
    if (wakeAt < Infinity) alarm = setTimeout(reconcile, Math.max(1, wakeAt - now()))
  }

  /** Old workers that have not let go of their connections yet. */
  function someoneStillServes (): boolean {
    return [...handles.values()].some(handle => handle.state() === 'draining' && !handle.handedOver())
  }

  function act (action: Action): void {
    switch (action.type) {
      case 'fork': return forkInto(action.slot, action.generation)
      case 'retire': return retire(handles.get(action.key), action.mode)
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

  function retire (handle: WorkerHandle | undefined, mode: DrainMode): void {
    if (handle === undefined) return
    if (mode === 'stop') handle.retire(mode, stopTimeout)
    else handle.retire(mode, options.drainTimeout, dismissed.get(handle))
  }

  function killOverdue (handle: WorkerHandle | undefined, why: 'boot-timeout' | 'drain-timeout' | 'hang'): void {
    if (handle === undefined) return
    if (desired.phase === 'stopping') killed.push(handle.view())
    // Asked before the kill, since a dead worker cannot say what held it; the log line waits for the answer, the kill at most as long.
    const asked = handle.activity()
    handle.killAfter(asked, `kill-${why}`)
    failBoot(handle)
    void asked.then(activity => reports.killed(handle, why, activity))
  }

  const listeners: WorkerListeners = {
    grant: parts.listener.grant,
    onHandedOver: reconcile,
    onConnection: parts.listener.receive,
    onGone: parts.listener.gone,
    onReady (handle, { addresses: reached, handsOff }) {
      if (addresses.length === 0) addresses = reached
      reports.ready(handle, { addresses: reached, handsOff, bootMs: Math.round(now() - handle.forkedAt) })
      if (state === 'starting' && countReady() >= desired.size) {
        state = 'up'
        up.resolve()
      }
      parts.listener.ready(handle)
      reconcile()
    },
    onCrashed (handle, error) {
      reports.crashed(handle, error)
      failBoot(handle)
      reconcile()
    },
    onSignal (handle, signal) {
      reports.signalled(handle, signal)
      dismiss(handle, 'retire')
    },
    onExit (handle, exit) {
      handles.delete(handle.key)
      dismissed.delete(handle)
      hung.delete(handle)
      reports.exited(handle, exit)
      if (handle.intent() === 'none') recordRestart(handle)
      failBoot(handle, exit)
      failReload(handle, exit)
      reconcile()
    }
  }

  function dismiss (handle: WorkerHandle, why: Dismissal): void {
    dismissed.set(handle, why)
    reconcile()
  }

  function recordRestart (handle: WorkerHandle): void {
    restarted++
    const uptime = now() - (handle.readyAt() ?? now())
    if (restarts.recordExit(handle.slot, uptime)) reports.crashLoop(handle)
  }

  /** The first generation could not come up: say why and take everything down, there is nothing to go back to. */
  function failBoot (handle: WorkerHandle, exit: WorkerExit = { code: null, signal: null }): void {
    if (state !== 'starting' || handle.readyAt() !== undefined || desired.phase !== 'running') return
    state = 'failed'
    const cause = causeOfDeath(handle, exit, options.bootTimeout)
    up.reject(new BootFailedError(cause.message, { cause }))
    desired = { ...desired, phase: 'stopping' }
  }

  /** A worker of the new code that ends before it has proved itself ends the reload. */
  function failReload (handle: WorkerHandle, exit: WorkerExit): void {
    const running = reloads.running()
    if (running === undefined || handle.generation !== running.to || isOrdered(handle.intent())) return
    const provenAt = (handle.readyAt() ?? Infinity) + options.reload.stableFor
    if (now() >= provenAt) return
    const cause = causeOfDeath(handle, exit, options.bootTimeout)
    reloads.fail(new ReloadFailedError(cause.message, { cause }))
  }

  function countReady (): number {
    return [...handles.values()].filter(handle => handle.state() === 'ready').length
  }

  return {
    async start () {
      reconcile()
      await up.promise
    },
    async stop (timeout) {
      stopTimeout = timeout
      desired = { ...desired, phase: 'stopping' }
      if (state === 'starting') up.reject(new StoppedError())
      reloads.abandon(new StoppedError())
      reconcile()
      await emptied.promise
      return killed
    },
    async reload () {
      if (desired.phase === 'stopping' || state !== 'up') throw new StoppedError()
      return reloads.request()
    },
    dismiss,
    condemn (handle) {
      hung.add(handle)
      reconcile()
    },
    killAll () {
      for (const handle of handles.values()) handle.kill('kill-forced')
    },
    workers: () => [...handles.values()].map(handle => handle.view()).toSorted((a, b) => a.id - b.id || a.generation - b.generation),
    handles: () => [...handles.values()],
    announceEnd () {
      for (const { channel } of handles.values()) void channel.post({ type: 'announce-end' })
    },
    addresses: () => addresses,
    stats: () => statsOf([...handles.values()], { wanted: desired.size, generation: desired.generation, restarts: restarted, dispatch: parts.listener.counts() })
  }
}

function asPlanned (handle: WorkerHandle, verdicts: Pick<PlannedWorker, 'dismissed' | 'hung'>): PlannedWorker {
  const { key, slot, generation } = handle
  return { key, slot, generation, state: handle.state(), deadline: handle.deadline(), readyAt: handle.readyAt(), ...verdicts }
}
