// Joins one app to the primary's handling of connections: what it gives away, what it takes in, what it reports.
import http from 'node:http'
import type { Channel } from '../channel.ts'
import { canHandOff } from '../handoff/can-hand-off.ts'
import type { Connection } from '../handoff/connections.ts'
import { createGiver } from '../handoff/give.ts'
import type { Giver } from '../handoff/give.ts'
import { createTaker } from '../handoff/take.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { ToPrimary, ToWorker } from '../protocol.ts'
import { chooseConnections } from './choose-connections.ts'
import type { OpenConnections } from './open-connections.ts'
import { createRequestSide } from './request-side.ts'
import { createResting } from './resting.ts'

// How long the primary may take to say that it holds a connection, in ms.
const HELD_TIMEOUT = 5_000
// How many connections leave at once. The answer of the primary takes a turn of the loop, so this is what a busy one can give in each.
const GIVEN_AT_ONCE = 16
// How late the primary may learn of connections that ended, in ms, where nobody waits for their place.
const COUNTED_WITHIN = 5

export type ConnectionOrder = Extract<ToWorker, { type: 'handoff-held' | 'handoff-take' | 'request-take' | 'rebalance' }>

export interface HandoffSide {
  /** Undefined where connections cannot move: TLS, HTTP/2, or a platform without it. */
  readonly giver: Pick<Giver, 'give'> | undefined
  /** Whether idle connections are given away as they come. */
  readonly rest: (on: boolean) => void
  readonly receive: (message: ConnectionOrder, handle: unknown) => void
}

/** Feature-tests handoff; where the test fails, everything falls back to `Connection: close`. */
export async function createHandoffSide (server: unknown, connections: OpenConnections, channel: Channel<ToPrimary>, { scheduling, maxConnections }: Pick<ResolvedOptions, 'scheduling' | 'maxConnections'>): Promise<HandoffSide> {
  const { tracked } = connections
  const take = createTaker({ channel, connections: tracked })
  const plain = server instanceof http.Server ? server : undefined
  const requests = scheduling === 'request' && plain !== undefined ? createRequestSide(plain, tracked, channel) : undefined
  const movable = plain !== undefined && await canHandOff()
  // The primary goes by what its first worker found: so requests are served whatever was found here, and a whole connection tells that it was otherwise there.
  let unit: 'connection' | 'request' = requests !== undefined && movable ? 'request' : 'connection'
  const countEnded = (): void => reportEnded(connections, channel, maxConnections === Infinity ? COUNTED_WITHIN : 0)
  if (scheduling === 'connection' || (scheduling === 'request' && unit === 'connection')) countEnded()
  const giver = movable ? createGiver({ channel, connections: tracked, port: process, timeout: HELD_TIMEOUT, atOnce: GIVEN_AT_ONCE }) : undefined
  const idleGiver = (): Pick<Giver, 'give'> | undefined => unit === 'request' ? RETURNED_BY_THEMSELVES : giver
  return {
    get giver () { return idleGiver() },
    rest: createResting(idleGiver),
    receive (message, handle) {
      switch (message.type) {
        case 'handoff-take':
          if (unit === 'request') countEnded()
          unit = 'connection'
          return take(message, handle)
        case 'handoff-held': return giver?.onHeld(message)
        case 'rebalance': return void giver?.give({ max: message.max, within: message.within, choose: idle => hottest(idle, tracked.all(), message.share, message.max) })
        case 'request-take': return requests?.receive(message, handle)
        default: return message satisfies never
      }
    }
  }
}

/** With request scheduling each connection goes back after its response, also from a worker that drains. */
const RETURNED_BY_THEMSELVES: Pick<Giver, 'give'> = { give: async () => ({ moved: 0, kept: 0, refused: false }) }

/** Of the idle ones those that make about this share of all the bytes the worker reads. */
function hottest (idle: Connection[], all: Connection[], share: number, max: number): Connection[] {
  const total = all.reduce((sum, { activity }) => sum + activity.rate, 0)
  const rated = idle.map(connection => ({ connection, rate: connection.activity.rate }))
  return chooseConnections(rated, total * share, max).map(({ connection }) => connection)
}

/** One message for all connections that ended within some ms (0: in a turn of the loop). */
function reportEnded (connections: OpenConnections, channel: Channel<ToPrimary>, within: number): void {
  let total = 0
  let pending = false
  const report = (): void => {
    pending = false
    void channel.post({ type: 'connections-ended', total })
  }
  connections.onClosed(() => {
    total++
    if (pending) return
    pending = true
    if (within === 0) setImmediate(report)
    else setTimeout(report, within)
  })
}
