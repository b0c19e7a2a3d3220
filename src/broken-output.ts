// Keeps a process serving when nobody takes its output: the reader of a pipe is gone, the disk is full, the terminal closed.
import { EventEmitter } from 'node:events'

/** What a write to an output that was there once can fail with. */
const BROKEN: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET', 'EIO', 'ENOSPC', 'EDQUOT', 'EFBIG'])
// A log that cannot be written is held back for better times, up to so many bytes; then lines are lost.
const MOST_HELD = 1024 * 1024
// How long the last lines may hold a fatal line or the exit up, in ms.
const LONGEST_FLUSH = 2_000

/** Applies to stdout and stderr until the returned function is called. */
export function surviveBrokenOutput (): () => void {
  const streams = [process.stdout, process.stderr]
  for (const stream of streams) stream.on('error', onError)
  return () => {
    for (const stream of streams) stream.off('error', onError)
  }
}

/** Applies to what a pino logger writes to: its error would be thrown out of the call that logs, in the middle of a request. */
export function surviveBrokenLog (log: object): void {
  const stream = pinoStream(log)
  if (!(stream instanceof EventEmitter) || stream.listeners('error').includes(onError)) return
  stream.on('error', onError)
  boundFlush(stream)
}

/** What a pino logger writes to by itself is a SonicBoom. */
interface Destination extends EventEmitter { fd?: unknown, maxLength?: number, retryEAGAIN?: () => boolean, flushSync?: () => void }

function onError (this: Destination, error: NodeJS.ErrnoException): void {
  if (!BROKEN.has(error.code)) throw error
  if (this.maxLength === 0) this.maxLength = MOST_HELD
  const { flushSync } = this
  if (flushSync === undefined || flushSync === postponed) return
  // At a fatal line and at the exit pino flushes, which is in vain now.
  this.flushSync = postponed
  this.once('write', () => { this.flushSync = flushSync })
}

function postponed (): void {}

/** Where it is the flush that finds the output broken, sonic-boom would try for ever. */
function boundFlush (stream: Destination): void {
  const { fd, retryEAGAIN, flushSync } = stream
  if (typeof fd !== 'number' || flushSync === undefined) return
  stream.flushSync = () => {
    const value = stream.fd
    const giveUpAt = performance.now() + LONGEST_FLUSH
    const isOver = (): boolean => performance.now() > giveUpAt
    // Each try asks for the file descriptor, and only an EAGAIN that is not to be tried again ends them.
    Object.defineProperty(stream, 'fd', { configurable: true, enumerable: true, get () {
      if (isOver()) throw Object.assign(new Error('the log takes nothing'), { code: 'EAGAIN' })
      return value
    } })
    stream.retryEAGAIN = () => !isOver()
    try {
      flushSync.call(stream)
    } catch {
      // These lines are lost.
    } finally {
      Object.defineProperty(stream, 'fd', { configurable: true, enumerable: true, writable: true, value })
      if (retryEAGAIN !== undefined) stream.retryEAGAIN = retryEAGAIN
    }
  }
}

/** The destination, which pino keeps under a symbol that it does not register; undefined for another logger, or another pino. */
function pinoStream (log: object): unknown {
  for (let at: object | null = log; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const key = Object.getOwnPropertySymbols(at).find(({ description }) => description === 'pino.stream')
    if (key !== undefined) return Reflect.get(at, key)
  }
  return undefined
}
