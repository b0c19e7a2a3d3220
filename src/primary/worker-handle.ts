// A worker as the primary holds it: what may be asked of it, and what may be ordered.
import type { Answer, Channel } from '../channel.ts'
import type { Activity, ConnectionMessage, DrainMode, ServerFacts, ToPrimary, ToWorker } from '../protocol.ts'
import type { ReceiverLoad } from '../listener/listener.ts'
import type { Snapshot } from '../snapshot.ts'
import type { ExitIntent } from './exit-reason.ts'
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
export type RestReason = 'health' | 'overload'

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
  readonly isGone: () => boolean
  /** Ready, and its channel is open. */
  readonly accepts: () => boolean
  /** False while its own health check fails. */
  readonly healthy: () => boolean
  /** Healthy and not resting: it should get what is new. */
  readonly fit: () => boolean
  /** Tells it to accept nothing new for a reason, or that this reason is gone. False where that is known. */
  readonly rest: (why: RestReason, on: boolean) => boolean
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

export type Measured = Extract<ToPrimary, { type: 'measured' }>
export type Ready = Extract<ToPrimary, { type: 'ready' }>

/** What a worker tells its supervisor. */
export interface WorkerListeners {
  readonly grant: (handle: WorkerHandle, index: number) => Answer
  readonly onReady: (handle: WorkerHandle, ready: Ready) => void
  readonly onSpare: (handle: WorkerHandle) => void
  readonly onCrashed: (handle: WorkerHandle, error: Error) => void
  readonly onConnection: (handle: WorkerHandle, message: ConnectionMessage, connection: unknown) => void
  readonly onSnapshot: (handle: WorkerHandle, snapshot: Snapshot) => void
  readonly onMeasured?: (handle: WorkerHandle, measured: Measured) => void
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
