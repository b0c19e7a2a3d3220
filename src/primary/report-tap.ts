// Lets others hear each report of a worker as it comes.
import type { Snapshot } from '../snapshot.ts'
import type { WorkerHandle } from './worker-handle.ts'

type Listener = (handle: WorkerHandle, snapshot: Snapshot) => void

export interface ReportTap {
  readonly listen: (listener: Listener) => void
  readonly reported: Listener
}

export function createReportTap (): ReportTap {
  const listeners: Listener[] = []
  return {
    listen (listener) { listeners.push(listener) },
    reported (handle, snapshot) { for (const listener of listeners) listener(handle, snapshot) }
  }
}
