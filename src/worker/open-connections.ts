// How a worker ends the connections of its app: those between requests by closing them, HTTP/2 sessions by announcing the end.
import type { Server } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type net from 'node:net'
import tls from 'node:tls'
import { trackConnections } from '../handoff/connections.ts'
import type { Connections } from '../handoff/connections.ts'

export interface OpenConnections {
  readonly tracked: Connections
  readonly count: () => number
  /** Ends each connection without a request in progress, those that never sent a byte too; HTTP/2 sessions once their open streams have finished. */
  readonly closeIdle: () => void
  /** Announces the end to HTTP/2 clients (GOAWAY); their open streams finish. */
  readonly sayGoAway: () => void
  /** Calls back each time a connection closes or has moved, until the returned function is called. */
  readonly onClosed: (listener: () => void) => () => void
}

/** Call it before the server listens. */
export function openConnections (server: Server): OpenConnections {
  const listeners = new Set<() => void>()
  const onClosed = (): void => {
    for (const listener of listeners) listener()
  }
  const isEncrypted = server instanceof tls.Server
  // A connection that moved in and waits for its first byte is one the server has not heard of; one that still shakes hands is not tracked.
  const tracked = trackConnections(server, undefined, isEncrypted ? undefined : onClosed)
  const handshaking = trackHandshakes(server)
  const sessions = new Set<ServerHttp2Session>()
  if (isEncrypted) server.on('connection', socket => { socket.on('close', onClosed) })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => { sessions.delete(session) })
  })
  return {
    tracked,
    count: () => tracked.size + handshaking.size,
    closeIdle () {
      // An HTTP/2 server has no such method before Node 24; its sessions end by GOAWAY.
      server.closeIdleConnections?.()
      // Node counts a connection that never sent a request as active, to time it out.
      for (const { socket } of tracked.untouched()) socket.destroy()
      for (const socket of handshaking.values()) socket.destroy()
      // Those that began only after GOAWAY was said.
      for (const session of sessions) session.close()
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

/** The connections of a TLS server whose handshake has not ended, which neither the server nor the app knows of. */
function trackHandshakes (server: net.Server): ReadonlyMap<string, net.Socket> {
  const handshaking = new Map<string, net.Socket>()
  if (!(server instanceof tls.Server)) return handshaking
  // The encrypted socket is another object: what both have is the peer.
  const peerOf = ({ remoteAddress, remotePort }: net.Socket): string => `${remoteAddress} ${remotePort}`
  server.on('connection', (socket: net.Socket) => {
    const peer = peerOf(socket)
    handshaking.set(peer, socket)
    socket.once('close', () => { if (handshaking.get(peer) === socket) handshaking.delete(peer) })
  })
  server.on('secureConnection', (socket: tls.TLSSocket) => { handshaking.delete(peerOf(socket)) })
  return handshaking
}
