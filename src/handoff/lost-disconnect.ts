// Emits the 'disconnect' that Node swallows: a channel that ends while a sent handle is unacknowledged never reports it.
import type { EventEmitter } from 'node:events'

const CHECK_EVERY_MS = 100

const watched = new WeakSet<object>()

/** Watches `process` in a child or a ChildProcess in the parent; more than once is once. */
export function emitLostDisconnect (port: EventEmitter & { connected: boolean }): void {
  if (watched.has(port) || !port.connected) return
  watched.add(port)
  const timer = setInterval(() => {
    if (port.connected) return
    // Node emits its own on the next tick after `connected` turns false, so by the next timer it is known to be lost.
    stop()
    port.emit('disconnect')
  }, CHECK_EVERY_MS).unref()
  const stop = (): void => {
    clearInterval(timer)
    port.off('disconnect', stop)
    watched.delete(port)
  }
  port.once('disconnect', stop)
}
