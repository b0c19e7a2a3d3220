// Connection scheduling: the primary accepts, a balancer picks the worker, and connections wait in the queue while every worker has its fill.
import type { Balancer, BalancerConnection, BalancerWorker } from '../balancer/balancer.ts'
import { deferred } from '../deferred.ts'
import { createRelay } from '../handoff/relay.ts'
import type { Member } from '../handoff/relay.ts'
import { peerOf } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { QueueLimits } from '../options/queue-types.ts'
import type { ConnectionMessage, ServerFacts } from '../protocol.ts'
import type { Dispatcher } from './dispatcher.ts'
import { eligible } from './eligible.ts'
import { holdClient } from './held-client.ts'
import type { HeldClient, HeldClientEvents } from './held-client.ts'
import type { ListenerParts, Receiver } from './listener.ts'
import { createPreferences } from './preferences.ts'
import { busyAnswer } from './refusal.ts'
import { createPatience } from './patience.ts'
import { createWaitingLine } from './waiting-line.ts'

export interface ConnectionLimits {
  readonly balancer: Balancer
  /** How many connections a worker may have; Infinity without a limit. */
  readonly maxConnections: number
  readonly queue: QueueLimits
}

/** A connection in the queue. Only plain HTTP that can move is watched: what is read of any other could not be given on. */
interface Waiting {
  readonly connection: ConnectionHandle
  readonly peer: BalancerConnection
  /** Who died before it had it. */
  readonly failed: Set<Member>
  held: HeldClient | undefined
}

const RELAY_LIMITS = { limit: 10_000, waitTimeout: 30_000 }
/** Of `queue.maxDelay`, what connections may spend on their way to a worker before others wait in the queue: enough that no worker waits for them, and that clients which each wait for their answer do not take the longer way. */
const ON_THE_WAY = 0.75
const NOBODY: ReadonlySet<Member> = new Set()
const NOTHING = Buffer.alloc(0)
const NO_EVENTS: HeldClientEvents = { onBytes: () => {}, onHangup: () => {}, onTimeout: () => {} }

export function createConnectionDispatcher ({ balancer, maxConnections, queue }: ConnectionLimits, { plainHttp1, movable }: ServerFacts, { workers }: ListenerParts): Dispatcher {
  const sent = new Map<Member, number>()
  const ended = new Map<Member, number>()
  const drained = deferred()
  const { maxDelay } = queue
  // Those who wait for a place wait as long as they may: connections last, and their number is the user's own limit.
  const line = createWaitingLine<Waiting>(queue, refuse, maxDelay === false || maxConnections < Infinity ? undefined : createPatience(() => maxDelay))
  const preferences = createPreferences()
  const relay = createRelay({
    ...RELAY_LIMITS,
    choose: preferences.first(taker => taker.fit() && hasRoom(taker), (from, refused, connection) => pick(connectionFacts(connection), from, refused)),
    onOffered: (member, change) => { sent.set(member, (sent.get(member) ?? 0) + change) },
    onArrived: () => pump(),
    onUndelivered: rejoin
  })
  /** Those that have left the line, so that their time goes on if they come back. */
  const placed = new WeakMap<ConnectionHandle, Waiting>()
  let phase: 'serving' | 'draining' = 'serving'

  function accept (connection: ConnectionHandle): void {
    const peer = connectionFacts(connection)
    const worker = line.depth() === 0 && !isJammed() ? pick(peer, undefined, NOBODY) : undefined
    if (worker !== undefined) return relay.pass(connection, NOTHING, { receiver: worker, fresh: true })
    const waiting = newcomer(connection, peer)
    watch(waiting, NOTHING)
    line.join(waiting)
  }

  /** Its worker died before it had the connection: it is next, and whoever can have it then gets it. */
  function rejoin (connection: ConnectionHandle, head: Buffer, worker: Member): void {
    const waiting = placed.get(connection) ?? newcomer(connection, connectionFacts(connection))
    waiting.failed.add(worker)
    watch(waiting, head)
    line.rejoin(waiting)
  }

  function watch (waiting: Waiting, head: Buffer): void {
    if (!plainHttp1 || !movable) return
    waiting.held = holdClient(waiting.connection, {
      ...NO_EVENTS,
      onHangup: () => {
        line.abandon(waiting)
        settle()
      }
    }, head)
    waiting.held.watch()
  }

  /** Asks the balancer among the workers that are ready and have room. */
  function pick (peer: BalancerConnection, from: Member | undefined, refused: ReadonlySet<Member>): Receiver | undefined {
    const free = eligible(workers()).filter(worker => worker !== from && !refused.has(worker) && hasRoom(worker))
    // By the snapshot itself: during a reload two workers have the same slot.
    const shown = free.map(snapshot)
    const picked = balancer.pick(shown, peer)
    return picked === undefined ? undefined : free[shown.indexOf(picked)]
  }

  function hasRoom (worker: Receiver): boolean {
    return countOf(worker) < maxConnections
  }

  function countOf (worker: Receiver): number {
    return (sent.get(worker) ?? 0) - (ended.get(worker) ?? 0)
  }

  function snapshot (worker: Receiver): BalancerWorker {
    const { inFlight, utilization } = worker.load()
    return { id: worker.slot, generation: worker.generation, connections: countOf(worker), inFlight, utilization, draining: !worker.accepts() }
  }

  /** All workers are behind with what was sent to them: the rest waits here, where it can be refused. */
  function isJammed (): boolean {
    return maxDelay !== false && eligible(workers()).every(worker => relay.delay(worker) > maxDelay * ON_THE_WAY)
  }

  function pump (): void {
    while (line.depth() > 0 && !isJammed()) {
      const next = line.peek()
      const worker = next === undefined ? undefined : pick(next.peer, undefined, next.failed)
      if (next === undefined || worker === undefined) break
      line.leave()
      const connection = next.held === undefined ? next.connection : next.held.release()
      if (connection === undefined) continue
      placed.set(connection, next)
      relay.pass(connection, next.held?.head() ?? NOTHING, { receiver: worker, fresh: true })
    }
    settle()
  }

  function receive (worker: Receiver, message: ConnectionMessage, handle: unknown): void {
    switch (message.type) {
      case 'handoff-give': return relay.offer(worker, message, handle)
      case 'handoff-back': return relay.back(worker, message, handle)
      case 'connections-ended': return countEnded(worker, message.total)
      case 'request-done': return
      default: return message satisfies never
    }
  }

  function countEnded (worker: Receiver, total: number): void {
    ended.set(worker, total)
    pump()
  }

  function refuse ({ connection, held }: Waiting): void {
    if (held !== undefined) held.refuse(busyAnswer())
    else if (plainHttp1) holdClient(connection, NO_EVENTS).refuse(busyAnswer())
    else connection.close()
    settle()
  }

  function settle (): void {
    if (phase === 'draining' && line.depth() === 0) drained.resolve()
  }

  return {
    accept,
    receive,
    ready () {
      relay.retry()
      pump()
    },
    gone (worker) {
      relay.gone(worker)
      sent.delete(worker)
      ended.delete(worker)
      pump()
    },
    prefer: preferences.prefer,
    async drain () {
      phase = 'draining'
      settle()
      await drained.promise
    },
    close () {
      line.close()
      for (let next = line.leave(); next !== undefined; next = line.leave()) refuse(next)
      relay.close()
    },
    counts: () => ({ ...line.counts(), moved: relay.counts().passed, takenBack: 0 })
  }
}

function newcomer (connection: ConnectionHandle, peer: BalancerConnection): Waiting {
  return { connection, peer, failed: new Set(), held: undefined }
}

/** Asks the system only once a balancer looks: most place a connection without. */
function connectionFacts (connection: ConnectionHandle): BalancerConnection {
  let peer: ReturnType<typeof peerOf> | undefined
  const ask = (): ReturnType<typeof peerOf> => peer ??= peerOf(connection)
  return {
    get remoteAddress () { return ask().address },
    get remotePort () { return ask().port },
    get family () { return ask().family }
  }
}
