// Worker side: every connection of a server, what it has done so far, and which of them are idle at this moment.
import http from 'node:http'
import type net from 'node:net'
import tls from 'node:tls'
import { handleOf, hasResponse } from '../node-internals.ts'
import { createPlaces } from '../places.ts'
import type { Places } from '../places.ts'
import { observe } from './activity.ts'
import type { Activity } from './activity.ts'

/**
 * `arriving`: adopted, not read yet. `waiting`: not a byte has come since, so that the HTTP server does not know it yet.
 * `serving`: the HTTP server has it. `moving`: on its way out.
 */
export type ConnectionState = 'arriving' | 'waiting' | 'serving' | 'moving'

export interface Connection {
  readonly socket: net.Socket
  /** When this process got it, in ms of `performance.now()`. */
  readonly openedAt: number
  /** True where another process had it before. */
  readonly movedIn: boolean
  /** True where bytes of it had been read before it came here, which `socket.bytesRead` does not count. */
  readonly carried: boolean
  /** As of the latest `observe`. */
  activity: Activity
  state: ConnectionState
}

export interface ConnectionCounts { open: number, idle: number, movedIn: number, movedOut: number }

export interface Connections {
  readonly server: net.Server
  readonly size: number
  /** All of them, in no particular order. */
  all: () => Connection[]
  /** Looks how busy each has been since the last look. */
  observe: () => void
  /** Those that may move: no request begun (not even its first byte), no response unsent, nothing buffered, plain HTTP/1.1. */
  idle: () => Connection[]
  /** Those with the server on which the client has not sent a byte yet, encrypted ones included. */
  untouched: () => Connection[]
  /** Whether one is among `idle()`. */
  isIdle: (connection: Connection) => boolean
  counts: () => ConnectionCounts
  /** How many came from other processes and went to others; the part of `counts` that costs nothing. */
  moves: () => Pick<ConnectionCounts, 'movedIn' | 'movedOut'>
  /** Adds a socket that came from another process; the server does not hear of it before `state` is `serving`. */
  adopt: (socket: net.Socket, carried?: boolean) => Connection
  /** Lets go of this process's copy: the connection itself lives on elsewhere. */
  release: (connection: Connection) => void
}

/**
 * Must be called before the server listens: a connection that is not tracked would be closed by the search for idle ones.
 *
 * @param onClosed called each time one has closed or moved
 */
export function trackConnections (server: net.Server, now: () => number = () => performance.now(), onClosed: () => void = () => {}): Connections {
  const open = createPlaces<Connection>()
  const moves = { in: 0, out: 0 }
  let found: Connection[] | undefined

  const add = (socket: net.Socket, state: ConnectionState, carried = false): Connection => {
    const at = now()
    const connection: Connection = { socket, openedAt: at, movedIn: state === 'arriving', carried, activity: { rate: 0, bytes: 0, at, activeAt: at }, state }
    open.add(socket, connection)
    socket.on('close', forget)
    socket.destroy = destroy
    return connection
  }

  // One function for all sockets, which are its `this`: nothing more is allocated for a connection.
  function forget (this: net.Socket): void {
    open.remove(this)
    onClosed()
  }

  function destroy (this: net.Socket, error?: Error): net.Socket {
    const connection = open.of(this)
    if (found !== undefined && connection !== undefined) found.push(connection)
    // The handle must stay open until it has been sent: neither a timeout nor server.close() may close it meanwhile.
    else if (connection?.state !== 'moving') (Object.getPrototypeOf(this) as net.Socket).destroy.call(this, error)
    return this
  }

  // closeIdleConnections() destroys precisely the connections without a request; here they are collected instead.
  const collectIdle = (closeIdle: () => void): Connection[] => {
    const idle: Connection[] = []
    found = idle
    try {
      closeIdle()
    } finally {
      found = undefined
    }
    return idle
  }

  server.on(server instanceof tls.Server ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    if (open.of(socket) === undefined) add(socket, 'serving')
  })

  const closeIdle = server instanceof http.Server ? extendClosing(server, open) : undefined
  const idleAmong = (candidates: Connection[]): Connection[] => {
    if (closeIdle === undefined) return []
    const between = new Set(collectIdle(closeIdle))
    return candidates.filter(connection =>
      (connection.state === 'waiting' || between.has(connection) || isUntouched(connection)) && isMovable(connection))
  }
  const idle = (): Connection[] => idleAmong(open.all())

  return {
    server,
    get size () { return open.size() },
    all: open.all,
    observe: () => {
      const at = now()
      for (const connection of open.all()) connection.activity = observe(connection.activity, connection.socket.bytesRead, at)
    },
    idle,
    untouched: () => open.all().filter(isUntouched),
    isIdle: connection => idleAmong([connection]).length === 1,
    moves: () => ({ movedIn: moves.in, movedOut: moves.out }),
    counts: () => ({ open: open.size(), idle: idle().length, movedIn: moves.in, movedOut: moves.out }),
    adopt: (socket, carried) => {
      moves.in++
      return add(socket, 'arriving', carried)
    },
    release: connection => {
      moves.out++
      connection.state = 'serving'
      connection.socket.destroy()
    }
  }
}

/** Closing idle connections, or all, includes those that wait outside the HTTP server for their first byte. Returns the server's own way. */
function extendClosing (server: http.Server, open: Places<Connection>): () => void {
  const closeIdle = server.closeIdleConnections.bind(server)
  const closeAll = server.closeAllConnections.bind(server)
  const closeWaiting = (): void => {
    for (const { socket, state } of open.all()) if (state === 'waiting' || state === 'arriving') socket.destroy()
  }
  server.closeIdleConnections = () => {
    closeWaiting()
    closeIdle()
  }
  server.closeAllConnections = () => {
    closeWaiting()
    closeAll()
  }
  return closeIdle
}

/** With the server, but the client has not sent a byte yet: to the server that is a request which may begin too late, to a client it is idle. */
function isUntouched ({ socket, state, carried }: Connection): boolean {
  return state === 'serving' && !carried && socket.bytesRead === 0
}

function isMovable ({ socket, state }: Connection): boolean {
  return state !== 'moving' && state !== 'arriving' && !socket.destroyed && socket.readable && socket.writable &&
    socket.readableLength === 0 && socket.writableLength === 0 &&
    !(socket instanceof tls.TLSSocket) && handleOf(socket) !== undefined && !hasResponse(socket)
}
