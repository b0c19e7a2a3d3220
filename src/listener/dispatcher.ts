// What the primary does with connections it accepts itself: one interface for whole connections and for single requests.
import type { ConnectionHandle } from '../node-internals.ts'
import type { Listener } from './listener.ts'

export interface Dispatcher extends Pick<Listener, 'receive' | 'ready' | 'gone' | 'prefer' | 'close' | 'counts'> {
  readonly accept: (connection: ConnectionHandle) => void
  /** Resolves when nothing waits here for a worker; what is only parked is closed after `grace` ms. */
  readonly drain: (grace: number) => Promise<void>
}
