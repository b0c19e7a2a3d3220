// Sockets for an app that runs in this very process: bound as for workers, granted to itself.
import type { Answer } from '../channel.ts'
import { BootFailedError } from '../errors.ts'
import { canBindHandles } from '../node-internals.ts'
import type { ListenTarget } from '../options/types.ts'
import { grantHandle } from './kernel.ts'
import { bindSockets } from './sockets.ts'
import type { BoundSocket } from './sockets.ts'

export interface SocketsHere {
  readonly grant: (index: number) => Answer
  readonly close: () => void
}

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with the system's error as cause when the address cannot be bound
 */
export async function bindHere (target: ListenTarget, inherited: readonly number[]): Promise<SocketsHere> {
  const sockets = canBindHandles() ? await bind(target, inherited) : []
  return {
    grant: index => grantHandle(sockets, index),
    close () {
      for (const { handle } of sockets.splice(0)) handle.close()
    }
  }
}

async function bind (target: ListenTarget, inherited: readonly number[]): Promise<BoundSocket[]> {
  try {
    return await bindSockets(target, inherited)
  } catch (cause) {
    throw new BootFailedError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
