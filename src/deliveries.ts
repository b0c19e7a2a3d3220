// Learns from Node's own acknowledgements which handles the other process has received: a message of our own for it would cost as much as the handle.
import type { SendHandle } from 'node:child_process'
import type { Port } from './channel.ts'
import { handlesBehind, onReceipt, tellsReceipt } from './node-internals.ts'

export type Deliver = (message: object, handle: SendHandle, done: (received: boolean) => void) => void

interface Delivery { readonly done: (received: boolean) => void }

/** A handle that somebody else sends over the same channel: Node for a server of the app's own, or the user. */
const FOREIGN: Delivery = { done: () => {} }

/** Undefined where Node does not tell; then the other side must. */
export function createDeliveries (port: Port): Deliver | undefined {
  if (!tellsReceipt(port)) return undefined
  // Node sends handles, and has them acknowledged, strictly one after the other.
  const underway: Delivery[] = []
  let last: object | undefined

  onReceipt(port, received => underway.shift()?.done(received))
  port.once('disconnect', () => { for (const { done } of underway.splice(0)) done(false) })

  return (message, handle, done) => {
    if (!port.connected || port.send === undefined) return queueMicrotask(() => done(false))
    for (let n = handlesBehind(port, underway.length === 0 ? undefined : last); n > 0; n--) underway.push(FOREIGN)
    const delivery: Delivery = { done }
    underway.push(delivery)
    last = message
    port.send(message, handle, {}, error => {
      const at = error === null ? -1 : underway.indexOf(delivery)
      if (at < 0) return
      underway.splice(at, 1)
      done(false)
    })
  }
}
