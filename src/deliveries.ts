// Sends handles and learns from Node's own acknowledgements which the other process has received: a message of our own for it would cost as much as the handle.
import type { SendHandle } from 'node:child_process'
import type { Port } from './channel.ts'
import { handlesBehind, hideReceipts, onReceipt, sendAhead, tellsReceipt } from './node-internals.ts'

export type Deliver = (message: object, handle: SendHandle, done: (received: boolean) => void) => void

interface Delivery { readonly message: object, readonly handle: SendHandle, readonly done: (received: boolean) => void }

/** A handle that somebody else sends over the same channel: Node for a server of the app's own, or the user. */
const FOREIGN = { done: (): void => {} }
/** How many handles may be under way to the other process at once; the kernel bounds how many all processes of a user may have under way. */
export const WINDOW = 32

/**
 * Node sends a handle only once the one before is acknowledged, and a busy process learns of that once a turn of its loop: an overloaded
 * worker would give away some twenty connections a second. With `ahead` up to `WINDOW` are sent without waiting, past Node's queue, and all
 * acknowledgements but the last are hidden from Node; behind a handle of somebody else ours wait in the queue. It is of no use towards a busy
 * process, which reads one handle a turn, and would learn late of what is said behind them.
 *
 * @returns undefined where Node does not tell; then the other side must
 */
export function createDeliveries (port: Port, { ahead }: { ahead: boolean }): Deliver | undefined {
  if (!tellsReceipt(port)) return undefined
  // In the order in which they are acknowledged.
  const underway: Array<Pick<Delivery, 'done'>> = []
  const waiting: Delivery[] = []
  /** Of those under way, how many Node does not know of. */
  let hidden = 0
  let last: object | undefined

  if (ahead) {
    hideReceipts(port, () => {
      if (hidden === 0) return false
      hidden--
      return true
    })
  }
  onReceipt(port, received => {
    underway.shift()?.done(received)
    const next = waiting.shift()
    if (next !== undefined) send(next)
  })
  port.once('disconnect', () => { for (const { done } of [...underway.splice(0), ...waiting.splice(0)]) done(false) })

  function send (delivery: Delivery): void {
    if (!port.connected || port.send === undefined) return queueMicrotask(() => delivery.done(false))
    const foreign = handlesBehind(port, underway.length === 0 ? undefined : last)
    for (let n = foreign; n > 0; n--) underway.push(FOREIGN)
    const mayPass = ahead && !underway.includes(FOREIGN)
    underway.push(delivery)
    last = delivery.message
    const pass = (): void => {
      port.send?.(delivery.message, delivery.handle, {}, error => {
        const at = error === null ? -1 : underway.indexOf(delivery)
        if (at < 0) return
        underway.splice(at, 1)
        delivery.done(false)
      })
    }
    if (mayPass && sendAhead(port, pass)) hidden++
    else pass()
  }

  return (message, handle, done) => {
    const delivery = { message, handle, done }
    if (ahead && underway.length >= WINDOW) waiting.push(delivery)
    else send(delivery)
  }
}
