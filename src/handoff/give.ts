// Worker side, outgoing: idle connections leave a few at a time, each kept here until the primary holds it.
import type { SendHandle } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel } from '../channel.ts'
import { handleOf, startReading, stopReading } from '../node-internals.ts'
import type { Connection, Connections } from './connections.ts'
import { emitLostDisconnect } from './lost-disconnect.ts'
import type { HandoffGive, HandoffHeld } from './messages.ts'

/** Which of the idle connections go, in which order. */
export type ChooseConnections = (idle: Connection[]) => Connection[]

export interface GiveResult {
  /** Connections that are the primary's now. */
  moved: number
  /** Connections that were idle and are still served here. */
  kept: number
  /** True where the primary takes none at present: no other worker is ready, or it is gone. */
  refused: boolean
}

export interface Giver {
  /** Gives at most `max` idle connections away, and none after `within` ms. When the primary refuses one the next fares no better: it stops, or with `within` goes on a little later. */
  give: (options?: { max?: number, within?: number, choose?: ChooseConnections }) => Promise<GiveResult>
  /** To be called with each `handoff-held` of the primary. */
  onHeld: (message: HandoffHeld) => void
}

export interface GiverOptions {
  channel: Pick<Channel<HandoffGive>, 'deliver'>
  connections: Connections
  /** The process's side of the channel: `process` in a worker. */
  port: EventEmitter & { connected: boolean }
  /** How long the primary may take to answer, in ms; past it this process lets go, and the primary serves or closes the connection. */
  timeout: number
  /** How many are on their way at once. */
  atOnce: number
}

// A receiver that is behind has caught up by then, in ms.
const REFUSED_FOR = 100

type Outcome = 'held' | 'refused' | 'gone' | 'late'

export function createGiver ({ channel, connections, port, timeout, atOnce }: GiverOptions): Giver {
  const waiting = new Map<number, (outcome: Outcome) => void>()
  let lastId = 0
  let turn: Promise<unknown> = Promise.resolve()

  const settle = (id: number, outcome: Outcome): void => {
    const resolve = waiting.get(id)
    waiting.delete(id)
    resolve?.(outcome)
  }

  const send = (handle: SendHandle): Promise<Outcome> => new Promise(resolve => {
    const id = ++lastId
    // Timers come before what the loop reads: where it was kept, an answer that already waits comes first.
    const timer = setTimeout(() => { setImmediate(settle, id, 'late') }, timeout)
    waiting.set(id, outcome => {
      clearTimeout(timer)
      resolve(outcome)
    })
    channel.deliver({ type: 'handoff-give', id }, handle, received => { if (!received) settle(id, 'gone') })
  })

  const giveOne = async (connection: Connection): Promise<Outcome> => {
    const { socket, state } = connection
    const { timeout: idleTimeout } = socket
    const handle = handleOf(socket)
    if (handle === undefined) return 'refused'
    connection.state = 'moving'
    stopReading(socket)
    socket.setTimeout(0)
    const outcome = await send(handle as unknown as SendHandle)
    if (outcome === 'held' || outcome === 'late') {
      connections.release(connection)
    } else {
      connection.state = state
      socket.setTimeout(idleTimeout ?? 0)
      startReading(socket)
    }
    return outcome
  }

  const giveEach = async (max: number, until: number, choose: ChooseConnections): Promise<GiveResult> => {
    const idle = connections.idle()
    // A connection turns busy only by bytes that are read, so this number tells at its turn whether it is idle still.
    const chosen = choose(idle).slice(0, max).map(connection => ({ connection, bytesRead: connection.socket.bytesRead }))
    let moved = 0
    let refused = false
    while (chosen.length > 0 && (!refused || until < Infinity) && performance.now() < until) {
      const next = chosen.splice(0, atOnce).filter(({ connection: { socket, state }, bytesRead }) =>
        !socket.destroyed && socket.readable && state !== 'moving' && socket.bytesRead === bytesRead)
      const outcomes = await Promise.all(next.map(({ connection }) => giveOne(connection)))
      const left = outcomes.filter(outcome => outcome === 'held' || outcome === 'late').length
      moved += left
      refused = left < next.length
      if (refused && until < Infinity) await sleep(REFUSED_FOR)
    }
    return { moved, kept: idle.length - moved, refused }
  }

  emitLostDisconnect(port)
  port.once('disconnect', () => { for (const id of waiting.keys()) settle(id, 'gone') })

  return {
    // One order after the other, so that none counts what is on its way already.
    give: ({ max = Infinity, within = Infinity, choose = oldestActivityFirst } = {}) => {
      const until = performance.now() + within
      const result = turn.then(() => giveEach(max, until, choose))
      turn = result.catch(() => {})
      return result
    },
    onHeld: ({ id, held }) => settle(id, held ? 'held' : 'refused')
  }
}

/** The connections whose next request is the least likely to come right now. */
function oldestActivityFirst (idle: Connection[]): Connection[] {
  return idle.toSorted((a, b) => a.activity.activeAt - b.activity.activeAt)
}
