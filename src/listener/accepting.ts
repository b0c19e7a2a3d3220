// A listener whose primary accepts: it begins once the first worker is ready and its server is known.
import { listenError } from '../listen-error.ts'
import { acceptOn } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { ListenTarget } from '../options/types.ts'
import type { ListenGrant, ServerFacts } from '../protocol.ts'
import { afterPendingAccepts } from '../pending-accepts.ts'
import { readableAddress } from '../readable-address.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Listener } from './listener.ts'
import { createPrivateSockets } from './private-sockets.ts'
import type { BoundSocket } from './sockets.ts'
import { NO_WAITS } from './queue.ts'

const NO_COUNTS = { queued: 0, rejectedFull: 0, rejectedTimeout: 0, moved: 0, takenBack: 0, waited: NO_WAITS }

export async function createAcceptingListener (sockets: BoundSocket[], { backlog }: ListenTarget, createDispatcher: (facts: ServerFacts) => Dispatcher): Promise<Listener> {
  const privateSockets = await createPrivateSockets()
  const addresses = sockets.map(({ address }) => address)
  let dispatcher: Dispatcher | undefined
  let accepted = 0

  const stopAccepting = (): void => {
    for (const { handle } of sockets.splice(0)) handle.close()
  }
  const begin = (facts: ServerFacts): Dispatcher => {
    const created = createDispatcher(facts)
    const accept = (connection: ConnectionHandle): void => {
      accepted++
      created.accept(connection)
    }
    for (const { handle, address } of sockets) {
      const errno = acceptOn(handle, backlog, accept)
      if (errno === 0) continue
      stopAccepting()
      created.close()
      throw listenError(errno, readableAddress(address), typeof address === 'string' ? { path: address } : address)
    }
    return created
  }

  return {
    addresses,
    grant (worker) {
      const body: ListenGrant = { kind: 'private', path: privateSockets.pathFor(worker.key), addresses }
      return { body }
    },
    receive: (worker, message, handle) => dispatcher?.receive(worker, message, handle),
    ready (worker) {
      const facts = worker.server()
      if (facts !== undefined) dispatcher ??= begin(facts)
      dispatcher?.ready(worker)
    },
    prefer: (giver, takers, within) => dispatcher?.prefer(giver, takers, within),
    gone (worker) {
      dispatcher?.gone(worker)
      privateSockets.removeOf(worker.key)
    },
    async drain (grace) {
      await afterPendingAccepts(() => accepted)
      stopAccepting()
      await dispatcher?.drain(grace)
    },
    close () {
      stopAccepting()
      dispatcher?.close()
      privateSockets.remove()
    },
    counts: () => dispatcher?.counts() ?? NO_COUNTS
  }
}
