// A typed message channel over Node's IPC: tagged, with answers that have a deadline, deaf to foreign messages.
import type { SendHandle } from 'node:child_process'
import { IpcClosedError, IpcTimeoutError } from './errors.ts'
import { createDeliveries } from './deliveries.ts'
import { readToTheEnd, unsentBytes } from './node-internals.ts'
import type { Replies } from './protocol.ts'

const TAG = 'fastify-clusterize'

/** What `process` in a child and a `ChildProcess` in the parent have in common. */
export interface Port {
  connected: boolean
  send?: (message: unknown, handle: SendHandle | undefined, options: object, callback: (error: Error | null) => void) => boolean
  on: (event: 'message', listener: (message: unknown, handle: unknown) => void) => unknown
  off: (event: 'message', listener: (message: unknown, handle: unknown) => void) => unknown
  once: (event: 'disconnect', listener: () => void) => unknown
}

/** An answer, with a handle where one travels along. */
export interface Answer { body: unknown, handle?: SendHandle }

type Typed = { type: string }
type Handler<In> = (message: In, handle: unknown) => Answer | Promise<Answer> | void
type Ask<Out> = <T extends keyof Replies & (Out extends Typed ? Out['type'] : never)> (
  message: Extract<Out, { type: T }>, options: { timeout: number, handle?: SendHandle }
) => Promise<{ body: Replies[T], handle: unknown }>

export interface Channel<Out> {
  /** Sends and forgets. Resolves to false where the other side is gone, which is an expected race. */
  post: (message: Out, handle?: SendHandle) => Promise<boolean>
  /** Sends and waits for the answer. Throws FST_CLUSTERIZE_IPC_TIMEOUT after `timeout` ms, FST_CLUSTERIZE_IPC_CLOSED when the other side goes. */
  ask: Ask<Out>
  /** Sends a handle. `done` learns, once, whether the other process has received it; where not, it has not touched it. The other side sees an ordinary post. */
  deliver: (message: Out, handle: SendHandle, done: (received: boolean) => void) => void
  close: () => void
}

interface Envelope { [TAG]: 'post' | 'ask' | 'deliver' | 'answer', id: number, body: unknown }
interface Waiter { resolve: (answer: { body: unknown, handle: unknown }) => void, reject: (error: Error) => void, timer: NodeJS.Timeout | undefined }

/** @param ahead whether handles are sent without waiting for the receipt of those before: for a process that may be busy, towards one that is not */
export function createChannel<Out extends Typed, In extends Typed> (port: Port, onMessage: Handler<In>, { ahead = false }: { ahead?: boolean } = {}): Channel<Out> {
  const waiting = new Map<number, Waiter>()
  let lastId = 0

  const send = (kind: Envelope[typeof TAG], id: number, body: unknown, handle?: SendHandle): Promise<boolean> =>
    new Promise(resolve => {
      if (!port.connected || port.send === undefined) return resolve(false)
      // A callback keeps Node from raising EPIPE or ERR_IPC_CHANNEL_CLOSED as an 'error' event: the peer may die at any moment.
      port.send({ [TAG]: kind, id, body }, handle, {}, error => resolve(error === null))
    })

  const receive = (message: unknown, handle: unknown): void => {
    if (!isEnvelope(message)) return
    if (message[TAG] === 'answer') return settle(message, handle)
    if (message[TAG] === 'deliver' && (message.id !== 0 || unsentBytes(port) > 0)) {
      // Not a byte of a connection is read before its receipt is out: were this process killed now, somebody else would get it, untouched.
      return void send('answer', message.id, null).then(() => onMessage(message.body as In, handle))
    }
    const answer = onMessage(message.body as In, handle)
    if (message[TAG] === 'ask') {
      void Promise.resolve(answer).then(reply => send('answer', message.id, reply?.body ?? null, reply?.handle))
    }
  }

  const settle = ({ id, body }: Envelope, handle: unknown): void => {
    const waiter = waiting.get(id)
    if (waiter === undefined) return
    waiting.delete(id)
    clearTimeout(waiter.timer)
    waiter.resolve({ body, handle })
  }

  const lose = (id: number): void => {
    const waiter = waiting.get(id)
    waiting.delete(id)
    clearTimeout(waiter?.timer)
    waiter?.reject(new IpcClosedError())
  }

  const close = (): void => {
    port.off('message', receive)
    for (const id of waiting.keys()) lose(id)
  }

  const ask = (message: Out, { timeout, handle }: { timeout: number, handle?: SendHandle }): Promise<{ body: unknown, handle: unknown }> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new IpcTimeoutError(message.type, timeout))
      }, timeout)
      waiting.set(id, { resolve, reject, timer })
      void send('ask', id, message, handle).then(sent => { if (!sent) lose(id) })
    })

  readToTheEnd(port)
  port.on('message', receive)
  port.once('disconnect', close)
  const deliveries = createDeliveries(port, { ahead })
  const deliver: Channel<Out>['deliver'] = (message, handle, done) => {
    if (deliveries !== undefined) return deliveries({ [TAG]: 'deliver', id: 0, body: message }, handle, done)
    const id = ++lastId
    waiting.set(id, { resolve: () => done(true), reject: () => done(false), timer: undefined })
    void send('deliver', id, message, handle).then(sent => { if (!sent) lose(id) })
  }
  return { post: (message, handle) => send('post', 0, message, handle), ask: ask as Ask<Out>, deliver, close }
}

function isEnvelope (message: unknown): message is Envelope {
  return typeof message === 'object' && message !== null && TAG in message && 'id' in message && 'body' in message
}
