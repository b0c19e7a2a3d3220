// Request scheduling: connections are parked in the primary, and each request goes, with its first bytes, to the free worker with the fewest in its hands.
import type { SendHandle } from 'node:child_process'
import { deferred } from '../deferred.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { QueueLimits } from '../options/queue-types.ts'
import type { ConnectionMessage, ServerFacts } from '../protocol.ts'
import type { Dispatcher } from './dispatcher.ts'
import { eligible } from './eligible.ts'
import { createErrands } from './errands.ts'
import type { Errand } from './errands.ts'
import { createHands } from './hands.ts'
import { headIsComplete } from './head.ts'
import { holdClient } from './held-client.ts'
import type { HeldClient } from './held-client.ts'
import type { ListenerParts, Receiver } from './listener.ts'
import { createPatience } from './patience.ts'
import { createWaitingLine } from './waiting-line.ts'
import { busyAnswer, LATE_ANSWER } from './refusal.ts'

/** `parked`: between requests. `due`: a request waits for a worker. `sent`: a worker was sent it. */
type ClientState = 'parked' | 'due' | 'sent'

interface Client {
  readonly held: HeldClient
  state: ClientState
  /** While `sent`. */
  errand: Errand<Client> | undefined
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
/** Times as late, a request goes to a worker that has something to do, too. Simulated, to move it there as soon as it is late costs all others more than it gains. */
const TOO_LATE = 2

export function createRequestDispatcher ({ concurrency, queue }: RequestLimits, first: ServerFacts, { workers, warn }: ListenerParts): Dispatcher {
  const clients = new Set<Client>()
  const hands = createHands<Receiver>(concurrency)
  const errands = createErrands<Client>(hands, { onUndelivered: sendElsewhere, onLate: pump })
  const drained = deferred()
  const { maxDelay } = queue
  const line = createWaitingLine<Client>(queue, refuseBusy, maxDelay === false ? undefined : createPatience(() => Math.max(maxDelay, hands.usual() * WORTH_WAITING)))
  let facts = first
  let moved = 0
  let takenBack = 0
  let phase: 'serving' | 'draining' | 'closed' = 'serving'

  function accept (connection: ConnectionHandle): void {
    const held = holdClient(connection, {
      onBytes: () => { if (client.state === 'parked') lookAtHead(client) },
      onHangup: () => forget(client),
      onTimeout: () => { if (client.state === 'parked') drop(client) }
    })
    const client: Client = { held, state: 'parked', errand: undefined, late: undefined }
    clients.add(client)
    park(client, facts.headersTimeout)
  }

  /** Waits for the next request; a slow one costs no worker, since it goes only once its header block is here. */
  function park (client: Client, timeout = facts.keepAliveTimeout): void {
    if (phase === 'closed') return drop(client)
    client.state = 'parked'
    client.errand = undefined
    client.held.setTimeout(timeout)
    client.held.watch()
  }

  function lookAtHead (client: Client): void {
    if (headIsComplete(client.held.head())) return becomeDue(client)
    client.held.setTimeout(0)
    if (client.late === undefined && facts.headersTimeout > 0) {
      client.late = setTimeout(() => {
        clients.delete(client)
        client.held.refuse(LATE_ANSWER)
        settle()
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
    const { held } = client
    const handle = held.handle()
    if (handle === undefined) return drop(client)
    held.stop()
    client.state = 'sent'
    client.errand = errands.start(client, worker, held.head(), handle as unknown as SendHandle)
  }

  /** The worker ended, or drains, before it had begun: the request is untouched, and first in line. */
  function sendElsewhere (errand: Errand<Client>): void {
    const { client } = errand
    errands.abandon(errand)
    if (!clients.has(client)) return
    client.state = 'due'
    client.errand = undefined
    line.rejoin(client)
    client.held.watch()
    pump()
  }

  function pump (): void {
    takeBackLate()
    while (line.depth() > 0) {
      const worker = freest()
      if (worker === undefined) break
      const client = line.leave()
      if (client !== undefined) send(client, worker)
    }
    settle()
  }

  /** What waits in a worker whose loop is kept goes to one that has nothing to do; later, as the first in line, to whoever may have one more. */
  function takeBackLate (): void {
    for (const errand of errands.late()) {
      const others = eligible(workers()).filter(worker => worker !== errand.worker)
      const worker = hands.freest(others, 'at once') ?? (hands.isLate(errand.place, TOO_LATE) ? hands.freest(others, 'soon') : undefined)
      if (worker === undefined || !errands.takeBack(errand)) continue
      takenBack++
      send(errand.client, worker)
    }
  }

  function receive (worker: Receiver, message: ConnectionMessage): void {
    if (message.type !== 'request-done') return
    const errand = errands.find(worker, message.id)
    if (errand === undefined) return
    if (message.outcome === 'unredeemed' && errands.stopTickets()) warn('take-back-off', 'a worker could not remove the file that came with a request: requests stay where they were sent from now on, even if another worker is free sooner')
    if (message.outcome === 'untouched' || message.outcome === 'unredeemed') return sendElsewhere(errand)
    errands.end(errand)
    const { client } = errand
    moved++
    client.held.forgetHead()
    if (message.outcome === 'idle') park(client)
    else drop(client)
    pump()
  }

  function gone (worker: Receiver): void {
    for (const errand of errands.of(worker)) {
      // Begun is begun: to ask again could do the work twice.
      if (errand.state === 'received') drop(errand.client)
      else sendElsewhere(errand)
    }
    hands.forget(worker)
    pump()
  }

  function refuseBusy (client: Client): void {
    clients.delete(client)
    client.held.refuse(busyAnswer())
    settle()
  }

  function forget (client: Client): void {
    clearTimeout(client.late)
    clients.delete(client)
    line.abandon(client)
    settle()
  }

  function drop (client: Client): void {
    if (client.errand !== undefined) errands.abandon(client.errand)
    clearTimeout(client.late)
    clients.delete(client)
    client.held.drop()
    settle()
  }

  function settle (): void {
    if (phase === 'serving') return
    // Within the grace those being served count too: a response that began before the end was announced brings its connection back here.
    const waits = [...clients].some(({ errand }) => phase === 'draining' || errand?.state !== 'received')
    if (!waits) drained.resolve()
  }

  /** Of whose request a part has arrived gets the time that the server gives for the rest. */
  function endGrace (): void {
    phase = 'closed'
    for (const client of clients) if (client.state === 'parked' && client.held.head().length === 0) drop(client)
    settle()
  }

  return {
    accept,
    receive,
    ready (worker) {
      // A reload may have changed how long clients may take.
      facts = worker.server() ?? facts
      pump()
    },
    gone,
    // Connections do not stay with a worker here.
    prefer: () => {},
    async drain (grace) {
      phase = 'draining'
      // Right after the loop has polled, so that whoever has sent something by now is known to have.
      const timer = setTimeout(() => { setImmediate(endGrace) }, grace)
      settle()
      await drained.promise
      clearTimeout(timer)
      phase = 'closed'
    },
    close () {
      phase = 'closed'
      line.close()
      for (const client of clients) drop(client)
      errands.close()
    },
    counts: () => ({ ...line.counts(), moved, takenBack })
  }
}
