// Primary side: a connection between two workers, held until one of them has it.
import type { SendHandle } from 'node:child_process'
import type { Channel } from '../channel.ts'
import { isConnectionHandle } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { HandoffGive, HandoffToWorker, HandoffTook } from './messages.ts'

/** A worker as the relay sees it; told apart by identity, so a slot's next worker is another member. */
export interface Member { readonly channel: Pick<Channel<HandoffToWorker>, 'post'> }

/** Who gets a connection: `from` gave it (undefined: the primary's own), `refused` said no. Undefined: nobody at the moment. */
export type ChooseReceiver = (from: Member | undefined, refused: ReadonlySet<Member>) => Member | undefined

/** How a connection of the primary's own is placed. */
export interface PassOptions {
  /** In place of the relay's own `choose`. */
  choose?: ChooseReceiver
  /** No server has had it yet. */
  fresh?: boolean
}

export interface RelayOptions {
  choose: ChooseReceiver
  /** How many connections may be in the primary's hands at once; past it a worker keeps its own. */
  limit: number
  /** How long a connection waits for a worker when there is none, in ms; past it, it is closed. */
  waitTimeout: number
  /** A member was sent a connection (1), or what it was sent goes to another (-1). */
  onOffered?: (member: Member, change: 1 | -1) => void
}

export interface RelayCounts { held: number, waiting: number, passed: number, refused: number, retried: number, closed: number }

export interface Relay {
  /** A worker's `handoff-give`, with what came along. */
  offer: (from: Member, message: HandoffGive, handle: unknown) => void
  /** Places a connection of the primary's own, `head` being what was read from it. Its handle must not be read any more. */
  pass: (handle: ConnectionHandle, head: Buffer, options?: PassOptions) => void
  /** A worker's `handoff-took`. */
  settle: (member: Member, message: HandoffTook) => void
  /** The member's channel has ended, its last message was read: what it was sent and did not take goes to others. */
  gone: (member: Member) => void
  /** There is a new worker: connections that wait for one go on. */
  retry: () => void
  counts: () => RelayCounts
  /** Closes everything still held. */
  close: () => void
}

interface Held {
  readonly id: number
  readonly handle: ConnectionHandle
  readonly head: Buffer
  readonly from: Member | undefined
  readonly refused: Set<Member>
  readonly choose: ChooseReceiver
  readonly fresh: boolean
  /** `answering`: the giver is being told. `offered`: a receiver was sent it. `waiting`: nobody is there. */
  state: 'answering' | 'offered' | 'waiting'
  /** Whom the state concerns. */
  member: Member | undefined
  timer: NodeJS.Timeout | undefined
}

export function createRelay ({ choose, limit, waitTimeout, onOffered = () => {} }: RelayOptions): Relay {
  const held = new Map<number, Held>()
  const counts = { passed: 0, refused: 0, retried: 0, closed: 0 }
  let lastId = 0

  const hold = (handle: ConnectionHandle, head: Buffer, from: Member | undefined, own: PassOptions = {}): Held => {
    const item: Held = { id: ++lastId, handle, head, from, refused: new Set(), choose: own.choose ?? choose, fresh: own.fresh ?? false, state: 'answering', member: from, timer: undefined }
    held.set(item.id, item)
    return item
  }

  // Closes the primary's copy only: close(2) on one of several copies sends nothing to the client.
  const drop = (item: Held): void => {
    clearTimeout(item.timer)
    held.delete(item.id)
    item.handle.close()
  }

  const dispatch = (item: Held, receiver: Member | undefined = item.choose(item.from, item.refused)): void => {
    if (receiver === undefined) return wait(item)
    clearTimeout(item.timer)
    item.timer = undefined
    item.state = 'offered'
    item.member = receiver
    onOffered(receiver, 1)
    const head = item.head.length > 0 ? { head: item.head.toString('base64') } : {}
    const fresh = item.fresh ? { fresh: true } as const : {}
    void receiver.channel.post({ type: 'handoff-take', id: item.id, ...head, ...fresh }, item.handle as unknown as SendHandle)
      .then(sent => { if (!sent) again(item, receiver) })
  }

  const wait = (item: Held): void => {
    item.state = 'waiting'
    item.member = undefined
    item.timer ??= setTimeout(() => {
      counts.closed++
      drop(item)
    }, waitTimeout)
  }

  const again = (item: Held, member: Member): void => {
    if (!held.has(item.id) || item.member !== member) return
    if (item.state === 'offered') onOffered(member, -1)
    item.refused.add(member)
    counts.retried++
    dispatch(item)
  }

  return {
    offer: (from, { id }, handle) => {
      if (!isConnectionHandle(handle)) return void from.channel.post({ type: 'handoff-held', id, held: false })
      const receiver = held.size < limit ? choose(from, new Set()) : undefined
      if (receiver === undefined) {
        counts.refused++
        handle.close()
        return void from.channel.post({ type: 'handoff-held', id, held: false })
      }
      const item = hold(handle, Buffer.alloc(0), from)
      void from.channel.post({ type: 'handoff-held', id, held: true }).then(() => {
        if (held.has(item.id) && item.state === 'answering') dispatch(item, receiver)
      })
    },
    pass: (handle, head, own) => dispatch(hold(handle, head, undefined, own)),
    settle: (member, { id, taken }) => {
      const item = held.get(id)
      if (item === undefined || item.member !== member) return
      if (!taken) return again(item, member)
      counts.passed++
      drop(item)
    },
    gone: member => {
      for (const item of held.values()) if (item.member === member) again(item, member)
    },
    retry: () => {
      for (const item of held.values()) if (item.state === 'waiting') dispatch(item)
    },
    counts: () => ({ ...counts, held: held.size, waiting: [...held.values()].filter(({ state }) => state === 'waiting').length }),
    close: () => {
      for (const item of held.values()) {
        counts.closed++
        drop(item)
      }
    }
  }
}
