// Tells the world what becomes of workers: in the log and by events.
import type { Activity, BoundAddress } from '../protocol.ts'
import { hintField, hintForEnd } from '../hints.ts'
import { reasonOf } from './cause-of-death.ts'
import type { ExitKind } from '../exit-kinds.ts'
import type { EventSink, WorkerExitEvent } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { isOrdered } from './worker-handle.ts'
import type { WorkerExit, WorkerHandle } from './worker-handle.ts'

export interface Reports {
  readonly ready: (handle: WorkerHandle, ready: { readonly addresses: readonly BoundAddress[], readonly handsOff: boolean, readonly bootMs: number }) => void
  readonly spare: (handle: WorkerHandle) => void
  readonly seated: (handle: WorkerHandle) => void
  readonly crashed: (handle: WorkerHandle, error: Error) => void
  readonly signalled: (handle: WorkerHandle, signal: string) => void
  readonly killed: (handle: WorkerHandle, why: string, activity: Activity | undefined) => void
  readonly crashLoop: (handle: WorkerHandle) => void
  readonly exited: (handle: WorkerHandle, exit: WorkerExit) => WorkerExitEvent
}

export function createReports (log: PrimaryLog, events: EventSink): Reports {
  // Each worker tests it; one line for all of them is enough.
  const warnOnce = once(() => log.warn({ event: 'handoff-off' }, 'connections cannot move between workers here (TLS, HTTP/2, or this platform): a worker that drains closes them, announced by Connection: close or GOAWAY'))
  return {
    ready (handle, { addresses, handsOff, bootMs }) {
      if (!handsOff) warnOnce()
      log.info({ event: 'worker-ready', ...handle.logLabel(), ms: bootMs }, 'worker ready')
      events.emit('worker-ready', { ...handle.label(), addresses, bootMs })
    },
    spare: handle => log.info({ event: 'spare-ready', ...handle.logLabel() }, 'spare worker waits for a slot'),
    seated: handle => log.info({ event: 'spare-seated', ...handle.logLabel() }, 'spare worker takes a slot'),
    crashed: (handle, err) => log.error({ event: 'worker-crashed', ...handle.logLabel(), err, ...hintField(hintForEnd('uncaught-error', err)) }, 'uncaught error in worker: it drains and is replaced'),
    signalled: (handle, signal) => log.info({ event: 'worker-signalled', ...handle.logLabel(), signal }, 'worker was signalled: it drains and is replaced'),
    killed: (handle, reason, activity) => log.error({ event: 'worker-killed', ...handle.logLabel(), reason, activity }, 'worker killed over its deadline'),
    crashLoop: handle => log.error({ event: 'crash-loop', ...handle.logLabel() }, 'workers end again and again: replacements come more and more slowly'),
    exited (handle, exit) {
      const expected = isOrdered(handle.intent())
      const { kind, text: reason } = reasonOf(handle, exit)
      log[expected ? 'info' : 'error']({ event: 'worker-exit', ...handle.logLabel(), ...exit, kind, reason, ...expected ? {} : adviceOn(kind, handle.reportedError()) }, 'worker ended')
      const event: WorkerExitEvent = { ...handle.label(), ...exit, kind, reason, expected }
      events.emit('worker-exit', event)
      return event
    }
  }
}

/** A crash has had its stack in the line 'worker-crashed'; one that never started has not. */
function adviceOn (kind: ExitKind, error: Error | undefined): { err?: Error, hint?: string } {
  return { ...kind === 'boot-failed' && error !== undefined ? { err: error } : {}, ...hintField(hintForEnd(kind, error)) }
}

function once (act: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}
