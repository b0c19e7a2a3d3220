// Joins one app to the moving of connections: what it gives away and what it takes in.
import http from 'node:http'
import type { Channel } from '../channel.ts'
import { canHandOff } from '../handoff/can-hand-off.ts'
import { createGiver } from '../handoff/give.ts'
import type { Giver } from '../handoff/give.ts'
import type { HandoffToWorker } from '../handoff/messages.ts'
import { createTaker } from '../handoff/take.ts'
import type { ToPrimary } from '../protocol.ts'
import type { OpenConnections } from './open-connections.ts'

// How long the primary may take to say that it holds a connection, in ms.
const HELD_TIMEOUT = 5_000

export interface HandoffSide {
  /** Undefined where connections cannot move: TLS, HTTP/2, or a platform without it. */
  readonly giver: Giver | undefined
  readonly receive: (message: HandoffToWorker, handle: unknown) => void
}

/** Feature-tests handoff; where the test fails, everything falls back to `Connection: close`. */
export async function createHandoffSide (server: unknown, connections: OpenConnections, channel: Channel<ToPrimary>): Promise<HandoffSide> {
  const take = createTaker({ channel, connections: connections.tracked })
  const movable = server instanceof http.Server && await canHandOff()
  const giver = movable ? createGiver({ channel, connections: connections.tracked, port: process, timeout: HELD_TIMEOUT }) : undefined
  return {
    giver,
    receive (message, handle) {
      if (message.type === 'handoff-take') void take(message, handle)
      else giver?.onHeld(message)
    }
  }
}
