// The connections a server holds: how many, and a way to end those on which nothing has begun.
import type { Server } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

export interface OpenConnections {
  count: () => number
  /** Ends each connection without a request in progress, those that never sent a byte too. */
  closeIdle: () => void
  /** Announces the end to HTTP/2 clients (GOAWAY); their open streams finish. */
  sayGoAway: () => void
  /** Calls back each time a connection closes, until the returned function is called. */
  onClosed: (listener: () => void) => () => void
}

/** Starts tracking; call it before the server listens. */
export function trackConnections (server: Server): OpenConnections {
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  const listeners = new Set<() => void>()

  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      for (const listener of listeners) listener()
    })
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => { sessions.delete(session) })
  })

  return {
    count: () => sockets.size,
    closeIdle () {
      // An HTTP/2 server has no such method before Node 24; its sessions end by GOAWAY.
      server.closeIdleConnections?.()
      // Node counts a connection that never sent a byte as active, to time it out.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    },
    sayGoAway () {
      for (const session of sessions) session.close()
    },
    onClosed (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}
