// Waits for the end of a cluster: its admin server goes last.
import type { AdminClient } from './admin-client.ts'
import { CommandError } from './exit-codes.ts'

/** The stream of events ends with the cluster; one that cannot be followed any more has ended already. */
export async function untilGone (cluster: AdminClient): Promise<void> {
  try {
    for await (const part of cluster.follow('/events', new AbortController().signal)) void part
  } catch (error) {
    if (!(error instanceof CommandError) && !isCut(error)) throw error
  }
}

function isCut (error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}
