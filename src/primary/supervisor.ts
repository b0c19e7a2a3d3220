// Level-triggered supervision: events change what is wanted or what is there, and reconcile() alone forks, retires and kills.
import { inspect } from 'node:util'
import { CrashLoopError, InvalidOptionError, ReloadFailedError, StoppedError } from '../errors.ts'
import { isWorkerCount, MAX_WORKERS } from '../options/worker-count.ts'
import type { BoundAddress, DrainMode } from '../protocol.ts'
import { deferred } from '../deferred.ts'
import { createFirstBoot } from './first-boot.ts'
import { createHistory } from './history.ts'
import { isRolledOut, isStaffed, nextProof, plan } from './plan.ts'
import { NO_SLOT } from './plan-spares.ts'
import type { Action, Desired } from './plan.ts'
import { refuseUnlessUp } from './refuse-unless-up.ts'
import { createReports } from './reports.ts'
import { createRoster } from './roster.ts'
import type { Dismissal } from './roster.ts'
import { createRolling } from './rolling.ts'
import { createSizing } from './sizing.ts'
import { statsOf } from './stats.ts'
import type { Supervisor, SupervisorParts } from './supervision.ts'
import { causeOfDeath, endedByItself } from './cause-of-death.ts'
import { isOrdered } from './worker-handle.ts'
import type { WorkerExit, WorkerHandle, WorkerListeners, WorkerView } from './worker-handle.ts'

export function createSupervisor (parts: SupervisorParts): Supervisor {
  const { options, restarts, now = () => performance.now() } = parts
  const reports = createReports(parts.log, parts.events)
  const roster = createRoster()
  const history = createHistory()
  const sizing = createSizing(parts.log, parts.events)
  const killed: WorkerView[] = []
  const emptied = deferred()
  let desired: Desired = { phase: 'running', size: options.workers, spares: options.spares, generation: 1, drainBy: Infinity, ...options.reload }
  let newest = 1
  let stopTimeout = options.drainTimeout
  let restarted = 0
  let addresses: readonly BoundAddress[] = []
  let alarm: NodeJS.Timeout | undefined
  const boot = createFirstBoot(options.bootTimeout, () => { desired = { ...desired, phase: 'stopping' } })

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
    // Read once: what is just not due at the first look and just over at the next would be woken for by neither.
    const at = now()
    const workers = roster.planned()
    if (reloads.running() !== undefined && isRolledOut(desired, workers, at) && !roster.isHandingOver()) reloads.succeed()
    if (sizing.isPending() && isStaffed(desired, workers) && !roster.isHandingOver()) sizing.succeed(desired.size)
    const { actions, wakeAt: planned } = plan(desired, workers, restarts.notBefore, at)
    const wakeAt = reloads.running() === undefined ? planned : Math.min(planned, nextProof(desired, workers, at))
    for (const action of actions) act(action)
    if (desired.phase === 'stopping' && workers.length === 0) return emptied.resolve()
    // An action changes what is there, so look again at once: a fork has a deadline of its own.
    if (actions.length > 0) return reconcile()
    if (wakeAt < Infinity) alarm = setTimeout(reconcile, Math.max(1, wakeAt - at))
  }

  function act (action: Action): void {
    switch (action.type) {
      case 'fork': return forkInto(action.slot, action.generation)
      case 'seat': return seat(roster.get(action.key), action.slot)
      case 'retire': return retire(roster.get(action.key), action.mode)
      case 'kill': return killOverdue(roster.get(action.key), action.why)
      default: return action satisfies never
    }
  }

  function forkInto (slot: number, generation: number): void {
    const { bootTimeout, errorDrainTimeout } = options
    const environment = parts.environment(slot, generation)
    const handle = parts.fork({ slot, generation, bootTimeout, errorDrainTimeout, environment }, listeners)
    roster.add(handle)
  }

  function seat (handle: WorkerHandle | undefined, slot: number): void {
    handle?.seat(slot)
    if (handle !== undefined) reports.seated(handle)
  }

  function retire (handle: WorkerHandle | undefined, mode: DrainMode): void {
    if (handle === undefined) return
    if (mode === 'stop') handle.retire(mode, stopTimeout)
    else handle.retire(mode, options.drainTimeout, roster.dismissal(handle))
  }

  function killOverdue (handle: WorkerHandle | undefined, why: 'boot-timeout' | 'drain-timeout' | 'hang'): void {
    if (handle === undefined) return
    if (desired.phase === 'stopping') killed.push(handle.view())
    // Asked before the kill, since a dead worker cannot say what held it; the log line waits for the answer, the kill at most as long.
    const asked = handle.activity()
    handle.killAfter(asked, `kill-${why}`)
    boot.lost(handle)
    void asked.then(activity => reports.killed(handle, why, activity))
  }

  const listeners: WorkerListeners = {
    grant: parts.listener.grant,
    onHandedOver: reconcile,
    onSnapshot (handle, snapshot) {
      history.reported(handle, snapshot)
      parts.tap?.reported(handle, snapshot)
    },
    onMeasured (handle, measured) { parts.tap?.measured(handle, measured) },
    onConnection: parts.listener.receive,
    onGone: parts.listener.gone,
    onReady (handle, { addresses: reached, server }) {
      try {
        parts.listener.ready(handle)
      } catch (error) {
        if (boot.isUp()) throw error
        boot.fail(error as Error)
        return reconcile()
      }
      if (addresses.length === 0) addresses = reached
      restarts.recordReady()
      reports.ready(handle, { addresses: reached, handsOff: server.movable, bootMs: Math.round(now() - handle.seatedAt()) })
      if (roster.countReady() >= desired.size) boot.succeed()
      reconcile()
    },
    onSpare (handle) {
      restarts.recordReady()
      reports.spare(handle)
      reconcile()
    },
    onCrashed (handle, error) {
      reports.crashed(handle, error)
      boot.lost(handle)
      reconcile()
    },
    onSignal (handle, signal) {
      reports.signalled(handle, signal)
      dismiss(handle, 'retire')
    },
    onExit (handle, exit) {
      roster.remove(handle)
      history.ended(reports.exited(handle, exit))
      if (endedByItself(handle)) recordRestart(handle)
      boot.lost(handle, exit)
      failReload(handle, exit)
      giveUp(handle, exit)
      reconcile()
    }
  }

  function dismiss (handle: WorkerHandle, why: Dismissal): void {
    roster.dismiss(handle, why)
    reconcile()
  }

  function recordRestart (handle: WorkerHandle): void {
    restarted++
    const bootedAt = handle.bootedAt()
    if (restarts.recordExit(handle.slot, bootedAt === undefined ? undefined : now() - bootedAt)) reports.crashLoop(handle)
  }

  /** A worker of the new code that ends before it has proved itself ends the reload. */
  function failReload (handle: WorkerHandle, exit: WorkerExit): void {
    const running = reloads.running()
    if (running === undefined || handle.generation !== running.to || handle.slot === NO_SLOT || isOrdered(handle.intent())) return
    const provenAt = (handle.readyAt() ?? Infinity) + options.reload.stableFor
    if (now() >= provenAt) return
    const cause = causeOfDeath(handle, exit, options.bootTimeout)
    reloads.fail(new ReloadFailedError(cause.message, { cause }))
  }

  /** In a crash loop that nobody survives, to go on would only hide it from who can mend it. Who boots meanwhile need not be waited for where no slot boots any more. */
  function giveUp (handle: WorkerHandle, exit: WorkerExit): void {
    if (!boot.isUp() || desired.phase !== 'running' || !endedByItself(handle) || roster.countReady() > 0) return
    if (!restarts.isHopeless(desired.size) && (!restarts.isLooping() || roster.countLive() > 0)) return
    const cause = causeOfDeath(handle, exit, options.bootTimeout)
    parts.onLost(new CrashLoopError(cause.message, { cause }))
  }

  return {
    async start () {
      reconcile()
      await boot.whenUp()
    },
    async stop (timeout) {
      stopTimeout = timeout
      desired = { ...desired, phase: 'stopping' }
      boot.abandon(new StoppedError())
      reloads.abandon(new StoppedError())
      sizing.abandon(new StoppedError())
      reconcile()
      await emptied.promise
      return killed
    },
    async reload () {
      refuseUnlessUp(desired, boot.isUp())
      return reloads.request()
    },
    async scale (size, by = 'order') {
      const { min, max } = options.autoscale ?? { min: 1, max: MAX_WORKERS }
      if (!isWorkerCount(size) || size < min || size > max) throw new InvalidOptionError('workers', `a whole number from ${min} to ${max}`, inspect(size))
      refuseUnlessUp(desired, boot.isUp())
      const sized = sizing.request(desired.size, size)
      desired = { ...desired, size }
      // An order to begin anew: no slot is held back any more.
      if (by === 'order') restarts.forget()
      reconcile()
      return sized
    },
    isChanging: () => reloads.running() !== undefined || sizing.isPending(),
    dismiss,
    condemn (handle) {
      roster.condemn(handle)
      reconcile()
    },
    hasten (timeout) {
      desired = { ...desired, drainBy: now() + timeout }
      reconcile()
    },
    killAll () {
      for (const handle of roster.all()) handle.kill('kill-forced')
    },
    isUp: boot.isUp,
    whenUp: boot.whenUp,
    workers: () => roster.all().map(handle => handle.view()).toSorted((a, b) => a.id - b.id || a.generation - b.generation),
    handles: roster.all,
    announceStop () {
      for (const { channel } of roster.all()) void channel.post({ type: 'announce-stop' })
    },
    announceEnd () {
      for (const { channel } of roster.all()) void channel.post({ type: 'announce-end' })
    },
    addresses: () => addresses,
    history: history.of,
    stats: () => statsOf(roster.all(), { wanted: desired.size, slots: history.slots(desired.size), generation: desired.generation, restarts: restarted, crashLoop: restarts.isLooping(), dispatch: parts.listener.counts() })
  }
}
