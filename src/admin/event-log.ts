// Numbers and remembers the last events of a cluster as plain data, and passes new ones on.
import { serializeError } from '../errors.ts'
import type { ClusterEvents } from '../primary/events.ts'
import type { AdminCluster } from './cluster.ts'

/** An event as the admin server tells it: that of `cluster.events`, an error as plain data. */
export interface AdminEvent {
  readonly id: number
  readonly event: keyof ClusterEvents
  readonly data: { readonly at: number } & Record<string, unknown>
}

export interface EventLog {
  /** Those after the one with this number, as far as they are remembered. */
  readonly since: (id: number) => readonly AdminEvent[]
  /** Calls back with each new one, until the returned function is called. */
  readonly listen: (listener: (event: AdminEvent) => void) => () => void
}

const REMEMBERED = 100
const NAMES: ReadonlyArray<keyof ClusterEvents> = ['worker-ready', 'worker-exit', 'reload', 'scale', 'stop']

export function createEventLog (events: AdminCluster['events'], clock: () => number = Date.now): EventLog {
  const remembered: AdminEvent[] = []
  const listeners = new Set<(event: AdminEvent) => void>()
  let lastId = 0

  for (const name of NAMES) {
    events.on(name, (event: object) => {
      const entry: AdminEvent = { id: ++lastId, event: name, data: { at: clock(), ...asData(event) } }
      if (remembered.push(entry) > REMEMBERED) remembered.shift()
      for (const listener of listeners) listener(entry)
    })
  }
  return {
    since: id => remembered.filter(entry => entry.id > id),
    listen (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}

function asData (event: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).map(([key, value]) => [key, value instanceof Error ? serializeError(value) : value]))
}
