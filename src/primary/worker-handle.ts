// The primary's view of one worker: its state, what it said last, and the orders it can be given.
import cluster from 'node:cluster'
import { createChannel } from '../channel.ts'
import type { Answer, Channel, Port } from '../channel.ts'
import { deserializeError } from '../errors.ts'
import { emitLostDisconnect } from '../handoff/lost-disconnect.ts'
import type { Activity, ConnectionMessage, DrainMode, ServerFacts, ToPrimary, ToWorker } from '../protocol.ts'
import type { ReceiverLoad } from '../listener/listener.ts'
import { freezeSnapshot } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'
import type { ExitIntent } from './exit-reason.ts'
import { mayFollow } from './worker-states.ts'
import type { WorkerState } from './worker-states.ts'

/** A worker as `cluster.workers()` tells it. */
export interface WorkerView {
  /** Its slot; 0 while it is a spare. */
  readonly id: number
  readonly pid: number
  readonly generation: number
  readonly state: WorkerState
  /** In ms, since its fork. */
  readonly uptime: number
  /** Its latest report; undefined before the first. */
  readonly snapshot: Snapshot | undefined
}

export type Intent = ExitIntent

/** Whether it ends because it was asked to, not by itself or by force. */
export function isOrdered (intent: Intent): boolean {
  return intent === 'stop' || intent === 'retire' || intent === 'recycle' || intent === 'unhealthy'
}

export interface WorkerExit { readonly code: number | null, readonly signal: NodeJS.Signals | null }

export interface WorkerHandle {
  readonly key: number
  /** 0 while it is a spare. */
  readonly slot: number
  readonly generation: number
  readonly pid: number
  readonly channel: Channel<ToWorker>
  /** When it was forked into its slot, or took it. */
  readonly seatedAt: () => number
  readonly state: () => WorkerState
  /** Ready, and its channel is open. */
  readonly accepts: () => boolean
  /** False while its own health check fails. */
  readonly healthy: () => boolean
  readonly deadline: () => number
  /** When it became ready, or undefined. */
  readonly readyAt: () => number | undefined
  /** When its app was built and ready, with a slot or without. */
  readonly bootedAt: () => number | undefined
  readonly intent: () => Intent
  /** What it said of its server when it became ready. */
  readonly server: () => ServerFacts | undefined
  readonly load: () => ReceiverLoad
  /** Its latest report; undefined before the first. */
  readonly snapshot: () => Snapshot | undefined
  /** When its latest report came, or else it became ready. */
  readonly heardAt: () => number
  /** Whether a debugger may hold it. */
  readonly inspected: () => boolean
  /** True once a draining worker accepts no more and what was idle has moved to others. */
  readonly handedOver: () => boolean
  /** The error it reported about its own boot or end. */
  readonly reportedError: () => Error | undefined
  /** Has a spare take a slot. */
  readonly seat: (slot: number) => void
  /** Asks it to drain within `timeout` ms. */
  readonly retire: (mode: DrainMode, timeout: number, intent?: Intent) => void
  /** SIGKILL, at once or after a promise. */
  readonly kill: (intent: Intent) => void
  readonly killAfter: (wait: Promise<unknown>, intent: Intent) => void
  /** What it is doing, or undefined when it does not answer in time. */
  readonly activity: () => Promise<Activity | undefined>
  readonly view: () => WorkerView
  /** What names it in events, and in the log. */
  readonly label: () => { id: number, pid: number, generation: number }
  readonly logLabel: () => { slot: number, pid: number, generation: number }
}

export type Ready = Extract<ToPrimary, { type: 'ready' }>

/** What a worker tells its supervisor. */
export interface WorkerListeners {
  readonly grant: (handle: WorkerHandle, index: number) => Answer
  readonly onReady: (handle: WorkerHandle, ready: Ready) => void
  readonly onSpare: (handle: WorkerHandle) => void
  readonly onCrashed: (handle: WorkerHandle, error: Error) => void
  readonly onConnection: (handle: WorkerHandle, message: ConnectionMessage, connection: unknown) => void
  readonly onSnapshot: (handle: WorkerHandle, snapshot: Snapshot) => void
  readonly onHandedOver: () => void
  readonly onSignal: (handle: WorkerHandle, signal: string) => void
  readonly onExit: (handle: WorkerHandle, exit: WorkerExit) => void
  /** Its channel has ended and its last message was read; before or after its exit. */
  readonly onGone: (handle: WorkerHandle) => void
}

export interface ForkOrder {
  readonly slot: number
  readonly generation: number
  readonly bootTimeout: number
  readonly errorDrainTimeout: number
  readonly environment: Readonly<Record<string, string>>
}

const ACTIVITY_TIMEOUT = 250
const NO_LOAD: ReceiverLoad = { inFlight: 0, utilization: 0 }

let lastKey = 0

export function forkWorker (order: ForkOrder, listeners: WorkerListeners, now: () => number = () => performance.now()): WorkerHandle {
  const { generation } = order
  let { slot } = order
  const { process: child } = cluster.fork(order.environment)
  const forkedAt = now()
  let seatedAt = forkedAt
  let state: WorkerState = 'booting'
  let deadline = forkedAt + order.bootTimeout
  let readyAt: number | undefined
  let bootedAt: number | undefined
  let server: ServerFacts | undefined
  let latest: Snapshot | undefined
  let heardAt = forkedAt
  let inspected = false
  let intent: Intent = 'none'
  let reportedError: Error | undefined
  let handedOver = false
  let drainOrder: ToWorker | undefined

  const become = (next: WorkerState, until = Infinity): boolean => {
    if (!mayFollow(state, next)) return false
    state = next
    deadline = until
    return true
  }

  const channel = createChannel<ToWorker, ToPrimary>(child as unknown as Port, receive)

  function receive (message: ToPrimary, connection: unknown): Answer | void {
    switch (message.type) {
      case 'booting':
        // What was sent before the worker listened is lost.
        if (drainOrder !== undefined) void channel.post(drainOrder)
        return
      case 'listen': return listeners.grant(handle, message.index)
      case 'ready':
        if (!become('ready')) return
        readyAt = heardAt = now()
        bootedAt ??= readyAt
        inspected = message.inspected
        server = message.server
        return listeners.onReady(handle, message)
      case 'spare':
        if (!become('spare')) return
        bootedAt = heardAt = now()
        return listeners.onSpare(handle)
      case 'boot-failed':
        reportedError = deserializeError(message.error)
        return { body: null }
      case 'crashed':
        reportedError ??= deserializeError(message.error)
        if (become('draining', now() + order.errorDrainTimeout)) listeners.onCrashed(handle, reportedError)
        return { body: null }
      case 'snapshot':
        latest = freezeSnapshot(message.snapshot)
        heardAt = now()
        inspected = latest.inspected
        return listeners.onSnapshot(handle, latest)
      case 'handed-over':
        handedOver = true
        return listeners.onHandedOver()
      case 'signal': return listeners.onSignal(handle, message.signal)
      case 'handoff-give':
      case 'handoff-took':
      case 'connections-ended':
      case 'request-took':
      case 'request-done': return listeners.onConnection(handle, message, connection)
      default: return message satisfies never
    }
  }

  emitLostDisconnect(child)
  child.once('disconnect', () => listeners.onGone(handle))
  child.once('exit', (code, signal) => {
    become('exited')
    listeners.onExit(handle, { code, signal })
  })
  // An 'error' event is a failed kill or send of a process that has just ended; its 'exit' tells the rest.
  child.on('error', () => {})

  const handle: WorkerHandle = {
    key: ++lastKey,
    get slot () { return slot },
    generation,
    pid: child.pid ?? 0,
    channel,
    seatedAt: () => seatedAt,
    state: () => state,
    accepts: () => state === 'ready' && child.connected,
    healthy: () => latest?.health.state !== 'unhealthy',
    deadline: () => deadline,
    readyAt: () => readyAt,
    bootedAt: () => bootedAt,
    intent: () => intent,
    handedOver: () => handedOver,
    server: () => server,
    load: () => latest === undefined ? NO_LOAD : { inFlight: latest.requests.inFlight, utilization: latest.utilization },
    snapshot: () => latest,
    heardAt: () => heardAt,
    inspected: () => inspected,
    reportedError: () => reportedError,
    seat (taken) {
      if (state !== 'spare' || !become('booting', now() + order.bootTimeout)) return
      seatedAt = now()
      slot = taken
      void channel.post({ type: 'take-slot', slot })
    },
    retire (mode, timeout, why = mode) {
      if (!become('draining', now() + timeout)) return
      intent = why
      drainOrder = { type: 'drain', mode, timeout }
      void channel.post(drainOrder)
    },
    kill (why) {
      if (become('killing')) intent = why
      child.kill('SIGKILL')
    },
    killAfter (wait, why) {
      if (!become('killing')) return
      intent = why
      void wait.finally(() => child.kill('SIGKILL'))
    },
    activity: () => channel.ask({ type: 'activity' }, { timeout: ACTIVITY_TIMEOUT }).then(({ body }) => body, () => undefined),
    logLabel: () => ({ slot, pid: handle.pid, generation }),
    label: () => ({ id: slot, pid: handle.pid, generation }),
    view: () => ({ id: slot, pid: handle.pid, generation, state, uptime: Math.round(now() - forkedAt), snapshot: latest })
  }
  return handle
}
