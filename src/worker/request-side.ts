// Serves single requests on connections that belong to the primary, and gives each connection back after its response.
import type http from 'node:http'
import type net from 'node:net'
import type { Channel } from '../channel.ts'
import type { Connection, Connections } from '../handoff/connections.ts'
import { takeConnection } from '../handoff/take.ts'
import { isConnectionHandle, stopReading } from '../node-internals.ts'
import type { RequestOutcome, ToPrimary, ToWorker } from '../protocol.ts'
import { redeem } from '../tickets.ts'

type RequestTake = Extract<ToWorker, { type: 'request-take' }>

export interface RequestSide {
  readonly receive: (message: RequestTake, handle: unknown) => void
}

export function createRequestSide (server: http.Server, connections: Connections, channel: Channel<ToPrimary>): RequestSide {
  const borrowed = new Map<net.Socket, { id: number, connection: Connection }>()

  const giveBack = (socket: net.Socket, outcome: RequestOutcome): void => {
    const loan = borrowed.get(socket)
    if (loan === undefined) return
    borrowed.delete(socket)
    if (outcome === 'idle') stopReading(socket)
    void channel.post({ type: 'request-done', id: loan.id, outcome })
    // The primary has its own copy: closing ours sends nothing to the client.
    if (outcome === 'idle') connections.release(loan.connection)
  }

  const giveBackIfIdle = (socket: net.Socket): void => {
    const loan = borrowed.get(socket)
    // Not idle is a pipelined request that has begun, or a body that still arrives: the next end is looked at again.
    if (loan !== undefined && connections.isIdle(loan.connection)) giveBack(socket, 'idle')
  }

  const lend = (id: number, connection: Connection): void => {
    borrowed.set(connection.socket, { id, connection })
    connection.socket.once('close', () => giveBack(connection.socket, 'closed'))
  }

  const hindrance = (ticket: string | undefined): 'untouched' | 'unredeemed' | undefined => {
    if (!server.listening) return 'untouched'
    return ticket === undefined || redeem(ticket) ? undefined : 'unredeemed'
  }

  const awaitEnd: http.RequestListener = (request, response) => {
    const { socket } = request
    if (!borrowed.has(socket)) return
    response.once('close', () => giveBackIfIdle(socket))
    request.once('close', () => giveBackIfIdle(socket))
  }

  server.on('request', awaitEnd)
  server.prependListener('checkExpectation', (request, response) => {
    awaitEnd(request, response)
    if (server.listenerCount('checkExpectation') === 1) refuseExpectation(request, response)
  })
  listenAlongside(server, 'checkContinue', awaitEnd as Listener)
  for (const event of ['upgrade', 'connect']) listenAlongside(server, event, (({ socket }: http.IncomingMessage) => giveBack(socket, 'kept')) as Listener)
  // What the app sends then may end only the half of it.
  listenAlongside(server, 'clientError', ((_error: Error, socket: net.Socket) => giveBack(socket, 'kept')) as Listener)

  return {
    receive ({ id, head, ticket }, handle) {
      if (!isConnectionHandle(handle)) return
      const hindered = hindrance(ticket)
      if (hindered !== undefined) {
        handle.close()
        return void channel.post({ type: 'request-done', id, outcome: hindered })
      }
      const { connection, begin } = takeConnection(connections, handle, Buffer.from(head, 'latin1'), true)
      if (connection !== undefined) lend(id, connection)
      begin()
    }
  }
}

/** In place of Node, which does not say that it answered. */
const refuseExpectation: http.RequestListener = ({ headers }, response) => {
  // Whoever waits for leave to send a body does not send it now, and its connection would never be idle.
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) response.setHeader('connection', 'close')
  response.writeHead(417).end()
}

type Listener = (...args: unknown[]) => void

/** Before the app's first listener, and only once it has one: the mere presence of a listener makes Node leave such a request to it. */
function listenAlongside (server: http.Server, event: string, listener: Listener): void {
  if (server.listenerCount(event) > 0) return void server.prependListener(event, listener)
  const look = (name: string | symbol): void => {
    if (name !== event) return
    server.off('newListener', look)
    server.on(event, listener)
  }
  server.on('newListener', look)
}
