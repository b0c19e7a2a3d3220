// What keeps a worker alive for its own drain: signals are the primary's business, and the primary's death is not the end of requests.
import type { Worker } from 'node:cluster'

const GROUP_SIGNALS = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTTIN', 'SIGTTOU'] as const
const GONE: ReadonlySet<unknown> = new Set(['EPIPE', 'ERR_IPC_CHANNEL_CLOSED', 'ECONNRESET'])

/** A terminal and most init systems signal the whole process group: the primary gets it too and decides. SIGTERM is passed on, since it may be meant for this worker alone. */
export function leaveSignalsToPrimary (passOn: (signal: string) => unknown): void {
  for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
  process.on('SIGTERM', signal => { passOn(signal) })
}

/** Node ends a worker at once when its primary is gone, unless the worker is known to leave by itself (lib/internal/cluster/child.js). */
export function outliveThePrimary (worker: Worker | undefined, onGone: () => void): void {
  process.prependListener('disconnect', () => {
    if (worker !== undefined) worker.exitedAfterDisconnect = true
    onGone()
  })
  // Messages of node:cluster itself are sent without a callback, so a write to the dead primary surfaces here.
  process.on('error' as 'disconnect', ((error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code)) throw error
  }) as () => void)
}
