// The only file that touches what Node does not document: each touch has a name, a feature test and a fallback at its caller.
/* oxlint-disable max-lines -- all of it in one place is worth more than a short file */
import net from 'node:net'
import { listenError } from './listen-error.ts'
import type { BoundAddress } from './protocol.ts'

/** A bound socket without a JavaScript server on top: it can be sent to workers, and nothing accepts from it here. */
export interface SocketHandle {
  readonly fd: number
  close: (callback?: () => void) => void
  getsockname?: (out: object) => number
}

/** Where to bind: an IP address literal with a port, or the path of a Unix socket. */
export type BindTarget = { address: string, port: number, ipv6Only: boolean } | { path: string }

type CreateHandle = (address: string | null, port: number | null, type: number | null, fd: number, flags: number) => SocketHandle | number
interface NetInternals { _createServerHandle?: CreateHandle }
interface ServerInternals { _handle: unknown, _pipeName?: string | undefined, _listen2?: (address: null, port: number, type: number, backlog: number) => void }

const UV_TCP_IPV6ONLY = 1
const PIPE = -1

const createHandle = (net as unknown as NetInternals)._createServerHandle

/** True where this Node can bind a socket without accepting from it; otherwise workers must listen natively. */
export function canBindHandles (): boolean {
  return typeof createHandle === 'function' && typeof (net.Server.prototype as unknown as ServerInternals)._listen2 === 'function'
}

/**
 * Binds without listening: the kernel queues nothing until a process calls listen on the handle.
 *
 * @throws the system's error (EADDRINUSE, EACCES, …) with code, syscall and address, as net.Server would emit it
 */
export function bindHandle (target: BindTarget): SocketHandle {
  if (createHandle === undefined) throw new Error('this Node cannot bind handles')
  const handle = 'path' in target
    ? createHandle(target.path, PIPE, PIPE, -1, 0)
    : createHandle(target.address, target.port, net.isIPv6(target.address) ? 6 : 4, -1, target.ipv6Only ? UV_TCP_IPV6ONLY : 0)
  // libuv keeps EADDRINUSE of a TCP bind back until the next call on the handle, and getsockname is that call.
  const errno = typeof handle === 'number' ? handle : handle.getsockname?.({}) ?? 0
  if (typeof handle !== 'number') {
    if (errno === 0) return handle
    handle.close()
  }
  throw listenError(errno, 'path' in target ? target.path : `${target.address}:${target.port}`, target)
}

/**
 * A listening socket that this process was started with.
 *
 * @throws the system's error when `fd` is not one
 */
export function inheritHandle (fd: number): SocketHandle {
  if (createHandle === undefined) throw new Error('this Node cannot bind handles')
  const handle = createHandle(null, null, null, fd, 0)
  if (typeof handle !== 'number') return handle
  throw listenError(handle, `file descriptor ${fd} is not a listening socket`)
}

/** The true address of a TCP handle (port 0 resolved). */
export function addressOfHandle (handle: SocketHandle): BoundAddress {
  const out: { address?: string, family?: string, port?: number } = {}
  handle.getsockname?.(out)
  return { address: out.address ?? '', family: out.family ?? '', port: out.port ?? 0 }
}

/** Lets a server listen on a handle another process has bound, a Unix socket's with its path. The public `listen(handle)` takes TCP only, so Unix sockets go the way `node:cluster` itself goes. */
export function listenOnHandle (server: net.Server, handle: SocketHandle, backlog: number, path?: string): void {
  const internal = server as unknown as ServerInternals
  if (typeof handle.getsockname === 'function') {
    server.listen(handle as unknown as { fd: number }, backlog)
  } else {
    internal._handle = handle
    // What `server.address()` tells of a Unix socket; Fastify logs it.
    internal._pipeName = path
    internal._listen2?.(null, PIPE, PIPE, backlog)
  }
}

/** Closes a server's listening socket without a word: what is connected stays, and the server does not say 'close' when the last of it ends. False where it cannot. */
export function suspendServer (server: net.Server): boolean {
  const settings = server as unknown as ServerSettings
  if (!server.listening || typeof settings._connections !== 'number') return false
  // Counted as one connection more, it never looks drained.
  settings._connections++
  net.Server.prototype.close.call(server)
  return true
}

/** Undoes the counting of suspendServer. */
export function resumeServer (server: net.Server): void {
  (server as unknown as ServerSettings)._connections--
}

/** An open connection without a JavaScript socket on top: it can be sent to another process, and nothing reads from it here. */
export interface ConnectionHandle {
  reading?: boolean
  readStart: () => number
  readStop: () => number
  close: (callback?: () => void) => void
}

interface SocketInternals { _handle?: unknown, _httpMessage?: unknown, server?: unknown, _server?: unknown }
interface ServerSettings { _connections: number, noDelay?: boolean, keepAlive?: boolean, keepAliveInitialDelay?: number, highWaterMark?: number }
type FromHandle = net.SocketConstructorOpts & { handle: ConnectionHandle, pauseOnCreate: boolean, readableHighWaterMark?: number, writableHighWaterMark?: number }

export function isConnectionHandle (value: unknown): value is ConnectionHandle {
  return typeof value === 'object' && value !== null &&
    'readStart' in value && typeof value.readStart === 'function' &&
    'readStop' in value && typeof value.readStop === 'function' &&
    'close' in value && typeof value.close === 'function'
}

/** The handle of a socket that is open in this process. */
export function handleOf (socket: net.Socket): ConnectionHandle | undefined {
  const handle = (socket as unknown as SocketInternals)._handle
  return isConnectionHandle(handle) ? handle : undefined
}

/** True while a response is assigned to the socket, also one that has ended but is not yet followed by the next of a pipeline. */
export function hasResponse (socket: net.Socket): boolean {
  return ((socket as unknown as SocketInternals)._httpMessage ?? null) !== null
}

/** Leaves whatever the client sends from now on in the kernel. `pause()` alone goes on reading into the stream's buffer. */
export function stopReading (socket: net.Socket): void {
  socket.pause()
  const handle = handleOf(socket)
  if (handle === undefined) return
  handle.reading = false
  handle.readStop()
  // A resume() from before takes effect on the next tick, paused or not; bytes it read here would be lost to the next owner.
  handle.readStart = () => 0
}

/** Undoes stopReading. `resume()` alone does not restart a handle that was stopped during a pending read. */
export function startReading (socket: net.Socket): void {
  socket.resume()
  const handle = handleOf(socket)
  if (handle === undefined) return
  Reflect.deleteProperty(handle, 'readStart')
  handle.reading = true
  handle.readStart()
}

/** Makes a received handle one of the server's own sockets, as accepting it would have: counted and set up alike, but paused and not yet announced. */
export function adoptHandle (server: net.Server, handle: ConnectionHandle): net.Socket {
  const settings = server as unknown as ServerSettings
  const options: FromHandle = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    ...(settings.highWaterMark === undefined ? {} : { readableHighWaterMark: settings.highWaterMark, writableHighWaterMark: settings.highWaterMark })
  }
  const socket = new net.Socket(options)
  if (settings.noDelay === true) socket.setNoDelay(true)
  if (settings.keepAlive === true) socket.setKeepAlive(true, (settings.keepAliveInitialDelay ?? 0) * 1000)
  const internal = socket as unknown as SocketInternals
  internal.server = server
  internal._server = server
  settings._connections++
  return socket
}

/** A listening socket as the process that accepts from it sees it. */
export interface AcceptingHandle extends SocketHandle {
  onconnection: ((errno: number, client: ConnectionHandle | undefined) => void) | null
  listen: (backlog: number) => number
}
interface PeerHandle { getpeername?: (out: object) => number }

/** Listens on a bound handle in this process and hands out bare connections, as node:cluster's round robin does; nothing reads from them. Returns the errno. */
export function acceptOn (handle: SocketHandle, backlog: number, onConnection: (client: ConnectionHandle) => void): number {
  const accepting = handle as AcceptingHandle
  accepting.onconnection = (errno, client) => {
    // A failed accept (EMFILE, a client that left) concerns no connection we have.
    if (errno === 0 && client !== undefined) onConnection(client)
  }
  return accepting.listen(backlog)
}

/** What a server accepts by; undefined where it does not listen. */
export function acceptingHandleOf (server: net.Server): AcceptingHandle | undefined {
  const handle = (server as unknown as ServerInternals)._handle as Partial<AcceptingHandle> | null | undefined
  return typeof handle?.onconnection === 'function' && typeof handle.listen === 'function' && typeof handle.close === 'function' ? handle as AcceptingHandle : undefined
}

/** Tells of each connection that is accepted by a server's handle, and, before it takes place, that the handle is closed. */
export function watchAccepting (handle: AcceptingHandle, { onAccept, onClose }: { onAccept: () => void, onClose: () => void }): void {
  const { onconnection } = handle
  handle.onconnection = function (errno, client) {
    if (errno === 0) onAccept()
    onconnection?.call(this, errno, client)
  }
  handle.close = callback => {
    Reflect.deleteProperty(handle, 'close')
    onClose()
    handle.close(callback)
  }
}

/** Accepts from a copy of the socket that a server accepts from, as if by the server's own handle. */
export function acceptAlso (handle: AcceptingHandle, copy: SocketHandle, backlog: number): void {
  const accepting = copy as AcceptingHandle
  accepting.onconnection = (errno, client) => handle.onconnection?.(errno, client)
  accepting.listen(backlog)
}

interface QueuedMessage { message: unknown, handle: unknown, options: unknown, callback: unknown }
interface ChannelInternals {
  _handleQueue?: QueuedMessage[] | null
  send?: (message: unknown, handle: undefined, options: unknown, callback: unknown) => unknown
  prependListener?: (event: 'internalMessage', listener: (message: { cmd?: unknown }) => void) => unknown
  on?: (event: 'internalMessage', listener: (message: { cmd?: unknown }) => void) => unknown
}

const [ACK, NACK] = ['NODE_HANDLE_ACK', 'NODE_HANDLE_NACK']

/** True where Node can be asked whether the other process has received a handle: it acknowledges each, to send the next. */
export function tellsReceipt (port: object): boolean {
  return '_handleQueue' in port
}

/** Calls back with each handle that the other process has received (true), or that got lost on the way there (false). */
export function onReceipt (port: object, listener: (received: boolean) => void): void {
  (port as ChannelInternals).on?.('internalMessage', ({ cmd }) => {
    if (cmd === ACK) listener(true)
    else if (cmd === NACK) listener(false)
  })
}

/** While Node waits for an acknowledgement: lets `send` send as if it did not, so that Node knows of one handle less than are under way. False, and nothing sent, where Node does not wait, or other handles do. */
export function sendAhead (port: object, send: () => void): boolean {
  const internal = port as ChannelInternals
  const queue = internal._handleQueue
  if (!Array.isArray(queue) || queue.some(({ handle }) => handle !== null)) return false
  internal._handleQueue = null
  send()
  internal._handleQueue = queue
  return true
}

/**
 * Keeps from Node, wherever `isHidden` says so, that a handle has been acknowledged: it goes on waiting with the handles in its queue, but
 * messages before them go, as they would have. To be called once for a port, before `onReceipt`.
 */
export function hideReceipts (port: object, isHidden: () => boolean): void {
  const internal = port as ChannelInternals
  let queue: ChannelInternals['_handleQueue']
  // Node's own listener takes the queue and sends what is in it: it finds an empty one.
  internal.prependListener?.('internalMessage', ({ cmd }) => {
    if ((cmd !== ACK && cmd !== NACK) || !isHidden()) return
    queue = internal._handleQueue
    internal._handleQueue = []
  })
  internal.on?.('internalMessage', () => {
    const parked = queue
    if (!Array.isArray(parked)) return
    queue = undefined
    internal._handleQueue = null
    for (let next = parked[0]; next?.handle === null; next = parked[0]) {
      parked.shift()
      internal.send?.(next.message, undefined, next.options, next.callback)
    }
    internal._handleQueue = parked
  })
}

/** How many handles wait for their acknowledgement or their turn behind the message `last`, or in all where that is undefined. */
export function handlesBehind (port: object, last: unknown): number {
  const queue = (port as ChannelInternals)._handleQueue
  if (!Array.isArray(queue)) return 0
  // The one under way is not in the queue.
  let count = last === undefined ? 1 : 0
  for (let i = queue.length - 1; i >= 0 && queue[i]?.message !== last; i--) if (queue[i]?.handle !== null) count++
  return count
}

interface ChannelHandle { writeQueueSize?: unknown, onread?: (this: ChannelHandle, bytes: unknown) => void, readStart?: () => number }

const SECOND_MS = 1000
let channelKey: symbol | undefined

function channelOf (port: object): ChannelHandle | undefined {
  channelKey ??= Object.getOwnPropertySymbols(port).find(({ description }) => description === 'kChannelHandle')
  return channelKey === undefined ? undefined : (port as Record<symbol, ChannelHandle | null | undefined>)[channelKey] ?? undefined
}

/** How many bytes have not left this process yet; Infinity where Node does not tell. */
export function unsentBytes (port: object): number {
  const size = channelOf(port)?.writeQueueSize
  return typeof size === 'number' ? size : Infinity
}

/**
 * Reads what the other process said before it died, to the last message and handle. libuv takes a read that ends before a handle's message for
 * the last one, and drops the rest (https://github.com/libuv/libuv/pull/4997): an end counts only once nothing was read since the one before.
 */
export function readToTheEnd (port: object): void {
  const channel = channelOf(port)
  const { onread } = channel ?? {}
  if (channel === undefined || typeof onread !== 'function' || typeof channel.readStart !== 'function') return
  let read = false
  let next: NodeJS.Timeout | undefined
  channel.onread = function (bytes) {
    clearInterval(next)
    const goesOn = bytes === undefined && read && this.readStart?.() === 0
    read = bytes !== undefined
    // Node may hold the channel for nothing to wait for, or close it meanwhile.
    if (goesOn) next = setInterval(() => { if (channelOf(port) !== channel) clearInterval(next) }, SECOND_MS)
    else onread.call(this, bytes)
  }
}

/** Who is at the other end; empty for a Unix socket. */
export function peerOf (handle: ConnectionHandle): { address?: string, family?: string, port?: number } {
  const out = {};
  (handle as PeerHandle).getpeername?.(out)
  return out
}

/** A socket around a bare connection handle, paused: for reading in a process that has no server. */
export function socketAround (handle: ConnectionHandle): net.Socket {
  const options: FromHandle = { handle, allowHalfOpen: true, pauseOnCreate: true }
  return new net.Socket(options)
}

/** Takes the bare handle out of such a socket, which is of no use any more. */
export function detachHandle (socket: net.Socket): ConnectionHandle | undefined {
  const handle = handleOf(socket);
  (socket as unknown as SocketInternals)._handle = null
  return handle
}
