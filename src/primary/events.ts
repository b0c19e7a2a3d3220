// What a cluster tells its user: typed events, and the same on node:diagnostics_channel.
import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { ExitKind } from '../exit-kinds.ts'
import type { BoundAddress } from '../protocol.ts'

export interface WorkerReadyEvent {
  readonly id: number
  readonly pid: number
  readonly generation: number
  readonly addresses: readonly BoundAddress[]
  /** From fork to ready, in ms. */
  readonly bootMs: number
}

export interface WorkerExitEvent {
  readonly id: number
  readonly pid: number
  readonly generation: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it ended: one of a fixed set, to count by. */
  readonly kind: ExitKind
  /** The same in one sentence. */
  readonly reason: string
  /** True when the primary wanted it to end. */
  readonly expected: boolean
}

export type ReloadEvent =
  | { readonly state: 'started', readonly generation: number }
  | { readonly state: 'done', readonly generation: number, readonly duration: number }
  | { readonly state: 'failed', readonly generation: number, readonly error: Error }

export type ScaleEvent =
  | { readonly state: 'started', readonly from: number, readonly to: number }
  | { readonly state: 'done', readonly workers: number }

export interface StopEvent { readonly reason: string }

/** Each is also published on the diagnostics channel `fastify-clusterize:<name>`. */
export interface ClusterEvents {
  'worker-ready': [WorkerReadyEvent]
  'worker-exit': [WorkerExitEvent]
  reload: [ReloadEvent]
  scale: [ScaleEvent]
  stop: [StopEvent]
}

export interface EventSink {
  readonly emitter: EventEmitter<ClusterEvents>
  emit: <Name extends keyof ClusterEvents>(name: Name, event: ClusterEvents[Name][0]) => void
}

export function createEvents (): EventSink {
  const emitter = new EventEmitter<ClusterEvents>()
  // Every order that waits for its outcome listens, and many may at once: their number is no sign of a leak.
  emitter.setMaxListeners(0)
  return {
    emitter,
    emit (name, event) {
      channel(`fastify-clusterize:${name}`).publish(event)
      for (const listener of emitter.rawListeners(name)) tell(() => Reflect.apply(listener, emitter, [event]))
    }
  }
}

/** A listener that throws is an uncaught error, as on a diagnostics channel: it must not end what tells it, nor keep it from the others. */
function tell (listener: () => void): void {
  try {
    listener()
  } catch (error) {
    process.nextTick(() => { throw error })
  }
}
