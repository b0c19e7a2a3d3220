// Forks one worker and holds it: follows its states, remembers what it said last, passes orders on.
import { createChannel } from '../channel.ts'
import type { Answer, Port } from '../channel.ts'
import { deserializeError } from '../errors.ts'
import { emitLostDisconnect } from '../handoff/lost-disconnect.ts'
import type { ServerFacts, ToPrimary, ToWorker } from '../protocol.ts'
import type { ReceiverLoad } from '../listener/listener.ts'
import { freezeSnapshot } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'
import { startProcess } from './start-process.ts'
import type { ForkOrder, Intent, RestReason, WorkerHandle, WorkerListeners } from './worker-handle.ts'
import { mayFollow } from './worker-states.ts'
import type { WorkerState } from './worker-states.ts'

const ACTIVITY_TIMEOUT = 250
const NO_LOAD: ReceiverLoad = { inFlight: 0, utilization: 0 }

let lastKey = 0

export function forkWorker (order: ForkOrder, listeners: WorkerListeners, now: () => number = () => performance.now()): WorkerHandle {
  const { generation } = order
  let { slot } = order
  const child = startProcess(order.environment)
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
  const rests = new Set<RestReason>()

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
      case 'measured': return listeners.onMeasured?.(handle, message)
      case 'handed-over':
        handedOver = true
        return listeners.onHandedOver()
      case 'signal': return listeners.onSignal(handle, message.signal)
      case 'handoff-give':
      case 'handoff-back':
      case 'connections-ended':
      case 'request-done': return listeners.onConnection(handle, message, connection)
      default: return message satisfies never
    }
  }

  // Of a process that could not be started it is why. Otherwise it is a failed kill or send of one that has just ended, and its 'exit' tells the rest.
  child.on('error', error => { if (child.pid === undefined) reportedError ??= error })
  emitLostDisconnect(child)
  child.once('disconnect', () => listeners.onGone(handle))
  child.once('exit', (code, signal) => {
    become('exited')
    listeners.onExit(handle, { code, signal })
  })

  const handle: WorkerHandle = {
    key: ++lastKey,
    get slot () { return slot },
    generation,
    pid: child.pid ?? 0,
    channel,
    seatedAt: () => seatedAt,
    state: () => state,
    isGone: () => state === 'exited',
    accepts: () => state === 'ready' && child.connected,
    healthy: () => latest?.health.state !== 'unhealthy',
    fit: () => handle.healthy() && !rests.has('overload'),
    rest (why, on) {
      if (rests.has(why) === on) return false
      const rested = rests.size > 0
      if (on) rests.add(why)
      else rests.delete(why)
      if (rested !== rests.size > 0) void channel.post({ type: 'accept', on: !on })
      return true
    },
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
