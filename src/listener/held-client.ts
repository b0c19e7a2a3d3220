// One plain HTTP/1.1 connection in the primary's hands: read what comes, notice when the client leaves, refuse with an answer of our own.
import type net from 'node:net'
import { detachHandle, handleOf, socketAround, startReading, stopReading } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'

/** Past this the rest stays in the kernel until a worker reads it. */
const HEAD_LIMIT = 64 * 1024
const NOTHING = Buffer.alloc(0)

export interface HeldClient {
  /** What was read and is not a worker's yet. */
  readonly head: () => Buffer
  readonly forgetHead: () => void
  /** Reads until `stop`; bytes past the limit wait. */
  readonly watch: () => void
  readonly stop: () => void
  readonly handle: () => ConnectionHandle | undefined
  /** How long the client may send nothing while watched, in ms; 0 is forever. */
  readonly setTimeout: (ms: number) => void
  /** Takes the handle out: the connection is somebody else's from now on. */
  readonly release: () => ConnectionHandle | undefined
  /** Closes this process's copy; where another has one the client notices nothing. */
  readonly drop: () => void
  /** Sends an answer and ends the connection. */
  readonly refuse: (answer: Buffer) => void
}

export interface HeldClientEvents {
  readonly onBytes: () => void
  /** It closed or half-closed: nobody waits for an answer any more. */
  readonly onHangup: () => void
  readonly onTimeout: () => void
}

/** @param read what was read from it before */
export function holdClient (connection: ConnectionHandle, { onBytes, onHangup, onTimeout }: HeldClientEvents, read: Buffer = NOTHING): HeldClient {
  const socket = socketAround(connection)
  let head = read
  let state: 'held' | 'over' = 'held'

  const over = (): void => {
    if (state === 'over') return
    state = 'over'
    socket.destroy()
    onHangup()
  }
  socket.on('data', (bytes: Buffer) => {
    head = head.length === 0 ? bytes : Buffer.concat([head, bytes])
    if (head.length >= HEAD_LIMIT) stopReading(socket)
    onBytes()
  })
  socket.on('end', over).on('error', over).on('close', over)
  socket.on('timeout', onTimeout)

  return {
    head: () => head,
    forgetHead: () => { head = NOTHING },
    watch: () => { startReading(socket) },
    stop: () => { stopReading(socket) },
    handle: () => handleOf(socket),
    release () {
      state = 'over'
      stopReading(socket)
      socket.setTimeout(0)
      return detachHandle(socket)
    },
    setTimeout: ms => { socket.setTimeout(ms) },
    drop () {
      state = 'over'
      socket.destroy()
    },
    refuse (answer) {
      state = 'over'
      refuse(socket, answer)
    }
  }
}

/** Reads on while the answer leaves: closing with unread bytes would reset the connection, and the answer with it. */
function refuse (socket: net.Socket, answer: Buffer): void {
  socket.removeAllListeners('data').on('data', () => {})
  socket.setTimeout(REFUSAL_TIMEOUT, () => { socket.destroy() })
  socket.once('end', () => { socket.destroy() })
  socket.end(answer)
  startReading(socket)
}

const REFUSAL_TIMEOUT = 2_000
