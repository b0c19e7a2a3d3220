// Who this process is: the identity that primary, worker and plugin agree on, one for each process.
import { setMaxListeners } from 'node:events'

/** A worker as the app sees it: `fastify.worker`, and the argument of `buildApp`. */
export interface WorkerInfo {
  /**
   * The slot, from 1: it survives restarts and reloads. A single process is worker 1.
   * In a spare it is 0 while `buildApp` runs, and from the `onListen` hooks on the slot it has taken.
   */
  readonly id: number
  readonly pid: number
  /** The reload epoch, from 1: it grows by one with each rolling reload. */
  readonly generation: number
  /** True in a forked worker, false in a process that runs alone. */
  readonly isClustered: boolean
  readonly startedAt: Date
  /** Aborts when the worker begins to drain: end your streams, SSE and WebSocket sessions then. */
  readonly draining: AbortSignal
}

/** A WorkerInfo with the switch that begins its drain. */
export interface WorkerIdentity {
  readonly info: WorkerInfo
  readonly startDraining: () => void
  /** A spare learns its slot. */
  readonly takeSlot: (id: number) => void
  /** Calls back once the slot is known: now, or when a spare takes one. */
  readonly whenSeated: (listener: () => void) => void
}

// On globalThis, so that the plugin finds it even where the app loads a second copy of this package.
const KEY = Symbol.for('fastify-clusterize.worker')
const registry = globalThis as { [KEY]?: WorkerIdentity | undefined }

export function createWorkerIdentity ({ id: first, generation, isClustered }: Pick<WorkerInfo, 'id' | 'generation' | 'isClustered'>): WorkerIdentity {
  let id = first
  const waiting: Array<() => void> = []
  const controller = new AbortController()
  // Each open stream may listen: any number of listeners is right.
  setMaxListeners(0, controller.signal)
  const info: WorkerInfo = Object.freeze({ get id () { return id }, pid: process.pid, generation, isClustered, startedAt: new Date(), draining: controller.signal })
  return {
    info,
    startDraining: () => controller.abort(),
    takeSlot (slot) {
      id = slot
      for (const listener of waiting.splice(0)) listener()
    },
    whenSeated (listener) {
      if (id === 0) waiting.push(listener)
      else listener()
    }
  }
}

/** The identity clusterize() gave this process, if it did. */
export function processIdentity (): WorkerIdentity | undefined {
  return registry[KEY]
}

export function setProcessIdentity (identity: WorkerIdentity | undefined): void {
  registry[KEY] = identity
}
