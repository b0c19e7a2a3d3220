// Request scheduling: connections are parked in the primary, and each request goes, with its first bytes, to the free worker with the fewest in its hands.
import type { SendHandle } from 'node:child_process'
import { deferred } from '../deferred.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { QueueLimits } from '../options/queue-types.ts'
import type { ConnectionMessage, ServerFacts } from '../protocol.ts'
import type { Dispatcher } from './dispatcher.ts'
import { eligible } from './eligible.ts'
import { createHands } from './hands.ts'
import type { Place } from './hands.ts'
import { headIsComplete } from './head.ts'
import { holdClient } from './held-client.ts'
import type { HeldClient } from './held-client.ts'
import type { ListenerParts, Receiver } from './listener.ts'
import { createPatience } from './patience.ts'
import { createWaitingLine } from './waiting-line.ts'
import { busyAnswer, LATE_ANSWER } from './refusal.ts'

/** `parked`: between requests. `due`: a request waits for a worker. `sent`: a worker was sent it. `serving`: that worker has it. */
type ClientState = 'parked' | 'due' | 'sent' | 'serving'

interface Client {
  readonly id: number
  readonly held: HeldClient
  state: ClientState
  worker: Receiver | undefined
  place: Place | undefined
  /** Runs while a header block is incomplete. */
  late: NodeJS.Timeout | undefined
}

export interface RequestLimits {
  /** How many requests a worker may have in its hands. */
  readonly concurrency: number
  readonly queue: QueueLimits
}

/** Times that a request usually takes for which one may wait for it in a lasting overload. */
const WORTH_WAITING = 2

export function createRequestDispatcher ({ concurrency, queue }: RequestLimits, facts: ServerFacts, { workers }: ListenerParts): Dispatcher {
  const clients = new Map<number, Client>()
  const hands = createHands<Receiver>(concurrency)
  const drained = deferred()
  const { maxDelay } = queue
  const line = createWaitingLine<Client>(queue, refuseBusy, maxDelay === false ? undefined : createPatience(() => Math.max(maxDelay, hands.usual() * WORTH_WAITING)))
  let lastId = 0
  let moved = 0
  let phase: 'serving' | 'draining' | 'closed' = 'serving'

  function accept (connection: ConnectionHandle): void {
    const held = holdClient(connection, {
      onBytes: () => { if (client.state === 'parked') lookAtHead(client) },
      onHangup: () => forget(client),
      onTimeout: () => { if (client.state === 'parked') drop(client) }
    })
    const client: Client = { id: ++lastId, held, state: 'parked', worker: undefined, place: undefined, late: undefined }
    clients.set(client.id, client)
    park(client, facts.headersTimeout)
  }

  /** Waits for the next request; a slow one costs no worker, since it goes only once its header block is here. */
  function park (client: Client, timeout = facts.keepAliveTimeout): void {
    if (phase === 'closed') return drop(client)
    client.state = 'parked'
    client.worker = undefined
    client.held.setTimeout(timeout)
    client.held.watch()
  }

  function lookAtHead (client: Client): void {
    if (headIsComplete(client.held.head())) return becomeDue(client)
    client.held.setTimeout(0)
    if (client.late === undefined && facts.headersTimeout > 0) {
      client.late = setTimeout(() => {
        clients.delete(client.id)
        client.held.refuse(LATE_ANSWER)
      }, facts.headersTimeout)
    }
  }

  function becomeDue (client: Client): void {
    clearTimeout(client.late)
    client.late = undefined
    client.held.setTimeout(0)
    client.state = 'due'
    const worker = line.depth() === 0 || line.isFull() ? freest() : undefined
    if (worker === undefined) line.join(client)
    else send(client, worker)
  }

  /** Nothing is put behind a long request, unless it would be refused otherwise. */
  function freest (): Receiver | undefined {
    return hands.freest(eligible(workers()), line.isFull() ? 'however' : 'soon')
  }

  function send (client: Client, worker: Receiver): void {
    const { held, id } = client
    const handle = held.handle()
    if (handle === undefined) return drop(client)
    held.stop()
    client.state = 'sent'
    client.worker = worker
    const place = client.place = hands.give(worker)
    const message = { type: 'request-take', id, head: held.head().toString('latin1') } as const
    worker.channel.deliver(message, handle as unknown as SendHandle, received => {
      if (client.state !== 'sent' || client.place !== place) return
      if (!received) return sendElsewhere(client, worker)
      client.state = 'serving'
      hands.received(place)
    })
  }

  /** The worker ended, or drains, before it had begun: the request is untouched, and first in line. */
  function sendElsewhere (client: Client, worker: Receiver): void {
    if (client.worker !== worker || !clients.has(client.id)) return
    hands.letGo(worker)
    client.state = 'due'
    client.worker = undefined
    line.rejoin(client)
    client.held.watch()
    pump()
  }

  function pump (): void {
    while (line.depth() > 0) {
      const worker = freest()
      if (worker === undefined) break
      const client = line.leave()
      if (client !== undefined) send(client, worker)
    }
    settle()
  }

  function receive (worker: Receiver, message: ConnectionMessage): void {
    if (message.type !== 'request-done') return
    const client = clients.get(message.id)
    if (client === undefined || client.worker !== worker) return
    if (message.outcome === 'untouched') return sendElsewhere(client, worker)
    hands.end(worker)
    moved++
    client.held.forgetHead()
    if (message.outcome === 'idle') park(client)
    else drop(client)
    pump()
  }

  function gone (worker: Receiver): void {
    for (const client of clients.values()) {
      if (client.worker !== worker) continue
      // Begun is begun: to ask again could do the work twice.
      if (client.state === 'serving') drop(client)
      else sendElsewhere(client, worker)
    }
    hands.forget(worker)
    pump()
  }

  function refuseBusy (client: Client): void {
    clients.delete(client.id)
    client.held.refuse(busyAnswer())
    settle()
  }

  function forget (client: Client): void {
    clearTimeout(client.late)
    clients.delete(client.id)
    line.abandon(client)
    settle()
  }

  function drop (client: Client): void {
    clearTimeout(client.late)
    clients.delete(client.id)
    client.held.drop()
    settle()
  }

  function settle (): void {
    if (phase === 'serving') return
    // Within the grace those being served count too: a response that began before the end was announced brings its connection back here.
    const waits = [...clients.values()].some(({ state }) => phase === 'draining' || state !== 'serving')
    if (!waits) drained.resolve()
  }

  return {
    accept,
    receive,
    ready: pump,
    gone,
    // Connections do not stay with a worker here.
    prefer: () => {},
    async drain (grace) {
      phase = 'draining'
      const timer = setTimeout(() => {
        phase = 'closed'
        for (const client of clients.values()) if (client.state === 'parked') drop(client)
        settle()
      }, grace)
      settle()
      await drained.promise
      clearTimeout(timer)
      phase = 'closed'
    },
    close () {
      phase = 'closed'
      line.close()
      for (const client of clients.values()) drop(client)
    },
    counts: () => ({ ...line.counts(), moved })
  }
}
