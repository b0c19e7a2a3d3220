// Lets others hear what workers report and measure, as it comes.
import type { Snapshot } from '../snapshot.ts'
import type { Measured, WorkerHandle } from './worker-handle.ts'

export interface TapListener {
  readonly reported: (handle: WorkerHandle, snapshot: Snapshot) => void
  readonly measured: (handle: WorkerHandle, measured: Measured) => void
}

export interface ReportTap extends TapListener {
  readonly listen: (listener: TapListener) => void
}

export function createReportTap (): ReportTap {
  const listeners: TapListener[] = []
  return {
    listen (listener) { listeners.push(listener) },
    reported (handle, snapshot) { for (const listener of listeners) listener.reported(handle, snapshot) },
    measured (handle, measured) { for (const listener of listeners) listener.measured(handle, measured) }
  }
}
