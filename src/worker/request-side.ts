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

  server.on('request', (request, response) => {
    const { socket } = request
    if (!borrowed.has(socket)) return
    response.once('close', () => giveBackIfIdle(socket))
    request.once('close', () => giveBackIfIdle(socket))
  })
  for (const event of ['upgrade', 'connect'] as const) {
    // Only where the app listens itself: the mere presence of a listener makes Node take such requests away from the app.
    if (server.listenerCount(event) > 0) server.prependListener(event, ({ socket }: http.IncomingMessage) => giveBack(socket, 'kept'))
  }

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
