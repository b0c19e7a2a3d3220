// Shared accept: the primary binds the sockets and holds them open, the workers accept from them, and the kernel's backlog is the one queue.
import type { Answer } from '../channel.ts'
import type { ListenGrant } from '../protocol.ts'
import type { Listener, ListenerParts } from './listener.ts'
import { createHandover } from './handover.ts'
import type { BoundSocket } from './sockets.ts'

export function createKernelListener (sockets: BoundSocket[], { workers }: ListenerParts): Listener {
  const close = (): void => {
    for (const { handle } of sockets.splice(0)) handle.close()
  }
  return {
    ...createHandover(workers),
    addresses: sockets.map(({ address }) => address),
    grant: (_worker, index) => grantHandle(sockets, index),
    async drain () { close() }
  }
}

/** The answer to "which is my listening socket number `index`?" */
export function grantHandle (sockets: readonly BoundSocket[], index: number): Answer {
  const socket = sockets[index]
  if (socket === undefined) return { body: { kind: 'native' } satisfies ListenGrant }
  const body: ListenGrant = { kind: 'handle', address: socket.address, more: index + 1 < sockets.length }
  // A raw handle is more than the types of SendHandle name; Node sends it as `net.Native`.
  return { body, handle: socket.handle as never }
}
