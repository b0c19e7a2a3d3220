// Waits for the end of a cluster: its admin server goes last.
import type { AdminClient } from './admin-client.ts'
import { CommandError } from './exit-codes.ts'
import { parseEvents } from './server-sent-events.ts'

/** How a worker ends that did not in its time. */
const KILLED = /^killed-/

/**
 * The stream of events ends with the cluster; one that cannot be followed any more has ended already.
 * Resolves with how many workers had to be killed since a moment, in ms since the epoch.
 */
export async function untilGone (cluster: AdminClient, since: number): Promise<number> {
  let killed = 0
  try {
    for await (const { event, data } of parseEvents(cluster.follow('/events', new AbortController().signal))) {
      if (event !== 'worker-exit') continue
      const { at, kind } = JSON.parse(data) as { at: number, kind: string }
      if (at >= since && KILLED.test(kind)) killed++
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
  }
  return killed
}
