// Worker side, incoming: a received connection waits for its first byte outside the HTTP server, then is served like any other.
import type { SendHandle } from 'node:child_process'
import http from 'node:http'
import type net from 'node:net'
import tls from 'node:tls'
import type { Channel } from '../channel.ts'
import { adoptHandle, isConnectionHandle } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { Connection, Connections } from './connections.ts'
import type { HandoffBack, HandoffTake } from './messages.ts'

/** What Node adds to the advertised time where the server does not say (`keepAliveTimeoutBuffer`, Node 22.19 and later). */
const KEEP_ALIVE_BUFFER_MS = 1000
const NOTHING = Buffer.alloc(0)

export interface TakerOptions {
  channel: Pick<Channel<HandoffBack>, 'post'>
  connections: Connections
  /** False makes the primary choose another worker. By default a server that listens takes connections. */
  accepts?: () => boolean
}

/** Returns the handler of the primary's `handoff-take`. */
export function createTaker ({ channel, connections, accepts = () => connections.server.listening }: TakerOptions): (message: HandoffTake, handle: unknown) => void {
  return (message, handle) => {
    const { head, fresh } = message
    if (!isConnectionHandle(handle)) return
    if (accepts()) return takeConnection(connections, handle, head === undefined ? NOTHING : Buffer.from(head, 'latin1'), fresh).begin()
    void channel.post({ ...message, type: 'handoff-back' }, handle as unknown as SendHandle).then(() => handle.close())
  }
}

/** `begin` starts to serve it; `connection` is undefined where it is not tracked from here (TLS, HTTP/2). */
export interface TakenConnection { connection: Connection | undefined, begin: () => void }

/**
 * Makes a handle from another process a connection of the server here, still unread until `begin` is called.
 *
 * @param fresh no server has had it yet: it is announced at once, so that the server's time limit for a first request holds
 */
export function takeConnection (connections: Connections, handle: ConnectionHandle, head: Buffer, fresh = false): TakenConnection {
  const { server } = connections
  const socket = adoptHandle(server, handle)
  // TLS and HTTP/2 read for themselves, and only from a connection nobody has read.
  if (!(server instanceof http.Server)) return { connection: undefined, begin: () => announce(server, socket) }
  const connection = connections.adopt(socket, head.length > 0)
  const serve = (bytes: Buffer): void => {
    connection.state = 'serving'
    server.emit('connection', socket)
    if (bytes.length > 0) socket.emit('data', bytes)
  }
  const begin = (): void => {
    if (socket.destroyed) return
    if (head.length > 0 || fresh) serve(head)
    else awaitFirstByte(server, connection, serve)
    socket.resume()
  }
  return { connection, begin }
}

/** An HTTP server would close an adopted connection after headersTimeout, with a 408: to its parser, a new connection is one whose first request is due. */
function awaitFirstByte (server: http.Server, connection: Connection, serve: (bytes: Buffer) => void): void {
  const { socket } = connection
  const destroy = (): void => { socket.destroy() }
  const begin = (bytes: Buffer): void => {
    socket.setTimeout(0)
    socket.off('timeout', destroy).off('end', destroy).off('data', begin)
    serve(bytes)
    socket.off('error', destroy)
  }
  connection.state = 'waiting'
  socket.on('data', begin).on('end', destroy).on('timeout', destroy).on('error', destroy)
  socket.setTimeout(idleTimeout(server, connection))
}

/** An HTTP/2 session takes the handle over as it is, so that it must be reading; TLS starts its own. */
function announce (server: net.Server, socket: net.Socket): void {
  server.emit('connection', socket)
  if (!(server instanceof tls.Server)) socket.resume()
}

function idleTimeout (server: net.Server, { socket }: Connection): number {
  const { keepAliveTimeout, keepAliveTimeoutBuffer = KEEP_ALIVE_BUFFER_MS } = server as http.Server & { keepAliveTimeoutBuffer?: number }
  return keepAliveTimeout > 0 ? keepAliveTimeout + keepAliveTimeoutBuffer : socket.timeout ?? 0
}
