// Primary side: a connection between two workers, held until one of them has it.
import type { SendHandle } from 'node:child_process'
import type { Channel } from '../channel.ts'
import { isConnectionHandle } from '../node-internals.ts'
import type { ConnectionHandle } from '../node-internals.ts'
import type { HandoffBack, HandoffGive, HandoffTake, HandoffToWorker } from './messages.ts'
import { createTransit } from './transit.ts'

/** A worker as the relay sees it; told apart by identity, so a slot's next worker is another member. */
export interface Member {
  readonly channel: Pick<Channel<HandoffToWorker>, 'post' | 'deliver'>
  /** True as long as it does not drain. */
  readonly accepts?: () => boolean
}

/** Who gets a connection: `from` gave it (undefined: the primary's own), `refused` could not. Undefined: nobody at the moment. */
export type ChooseReceiver = (from: Member | undefined, refused: ReadonlySet<Member>, connection: ConnectionHandle) => Member | undefined

/** How a connection of the primary's own is placed. */
export interface PassOptions {
  /** Who is to get it, where that is known; the relay asks `choose` only if it cannot. */
  receiver?: Member
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
  /** What a member was sent has been received, or never will be. */
  onArrived?: (member: Member) => void
  /** Takes over a connection that no server has had, and that the member did not receive. Without it another member is chosen. */
  onUndelivered?: (handle: ConnectionHandle, head: Buffer, member: Member) => void
}

export interface RelayCounts { held: number, waiting: number, passed: number, refused: number, retried: number, closed: number }

export interface Relay {
  /** A worker's `handoff-give`, with what came along. */
  offer: (from: Member, message: HandoffGive, handle: unknown) => void
  /** Places a connection of the primary's own, `head` being what was read from it. Its handle must not be read any more. */
  pass: (handle: ConnectionHandle, head: Buffer, options?: PassOptions) => void
  /** A worker's `handoff-back`, with what came along: it goes to another. */
  back: (from: Member, message: HandoffBack, handle: unknown) => void
  /** The member's channel has ended, its last message was read: what it was sent and did not receive goes to others. */
  gone: (member: Member) => void
  /** There is a new worker: connections that wait for one go on. */
  retry: () => void
  /** How long what a member is sent now waits until it is received, in ms. */
  delay: (member: Member) => number
  counts: () => RelayCounts
  /** Closes everything still held. */
  close: () => void
}

interface Held {
  readonly handle: ConnectionHandle
  readonly head: string
  readonly from: Member | undefined
  /** Who could not take it; undefined while nobody has been asked in vain. */
  refused: Set<Member> | undefined
  readonly fresh: boolean
  /** `answering`: the giver is being told. `offered`: a receiver was sent it. `waiting`: nobody is there. */
  state: 'answering' | 'offered' | 'waiting'
  /** Whom the state concerns. */
  member: Member | undefined
  timer: NodeJS.Timeout | undefined
}

const NOBODY: ReadonlySet<Member> = new Set()
/** A connection that is given away waits no longer than this, in ms: where it was it is served sooner. */
const LONGEST_MOVE = 100

export function createRelay ({ choose, limit, waitTimeout, onOffered = () => {}, onArrived = () => {}, onUndelivered }: RelayOptions): Relay {
  const held = new Set<Held>()
  const numbers = new Map<Member, number>()
  const transit = createTransit<Member>()
  let lastNumber = 0
  const counts = { passed: 0, refused: 0, retried: 0, closed: 0 }

  const numberOf = (member: Member): number => {
    const number = numbers.get(member) ?? ++lastNumber
    numbers.set(member, number)
    return number
  }

  const hold = (handle: ConnectionHandle, head: string, from: Member | undefined, fresh: boolean): Held => {
    const item: Held = { handle, head, from, refused: undefined, fresh, state: 'answering', member: from, timer: undefined }
    held.add(item)
    return item
  }

  // Closes the primary's copy only: close(2) on one of several copies sends nothing to the client.
  const drop = (item: Held): void => {
    clearTimeout(item.timer)
    held.delete(item)
    item.handle.close()
  }

  const dispatch = (item: Held, receiver: Member | undefined = choose(item.from, item.refused ?? NOBODY, item.handle)): void => {
    if (receiver === undefined) return wait(item)
    clearTimeout(item.timer)
    item.timer = undefined
    item.state = 'offered'
    item.member = receiver
    onOffered(receiver, 1)
    transit.sent(receiver)
    const message: HandoffTake = { type: 'handoff-take' }
    if (item.head !== '') message.head = item.head
    if (item.fresh) message.fresh = true
    // Whoever receives it is its only owner, so what must be known if it comes back goes along.
    if (item.refused !== undefined) message.refused = [...item.refused].flatMap(member => numbers.get(member) ?? [])
    receiver.channel.deliver(message, item.handle as unknown as SendHandle, received => {
      const isCurrent = held.has(item) && item.member === receiver
      if (isCurrent && received) {
        counts.passed++
        drop(item)
      }
      transit.arrived(receiver)
      if (isCurrent && !received) again(item, receiver)
      onArrived(receiver)
    })
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
    if (item.state === 'offered') onOffered(member, -1)
    // One that was sent back stays here, where it is known who must not have it again.
    if (onUndelivered === undefined || !item.fresh || item.refused !== undefined) return refuse(item, member)
    held.delete(item)
    counts.retried++
    onUndelivered(item.handle, Buffer.from(item.head, 'latin1'), member)
  }

  const refuse = (item: Held, member: Member): void => {
    item.refused ??= new Set()
    item.refused.add(member)
    numberOf(member)
    counts.retried++
    dispatch(item)
  }

  return {
    offer: (from, { id }, handle) => {
      if (!isConnectionHandle(handle)) return void from.channel.post({ type: 'handoff-held', id, held: false })
      const receiver = held.size < limit ? choose(from, NOBODY, handle) : undefined
      // A giver that goes on serves it sooner than a receiver that is behind.
      if (receiver === undefined || (from.accepts?.() === true && transit.delay(receiver) > LONGEST_MOVE)) {
        counts.refused++
        handle.close()
        return void from.channel.post({ type: 'handoff-held', id, held: false })
      }
      const item = hold(handle, '', from, false)
      // Its place is taken from now on: others may be offered before the giver has its answer.
      onOffered(receiver, 1)
      void from.channel.post({ type: 'handoff-held', id, held: true }).then(() => {
        onOffered(receiver, -1)
        if (held.has(item) && item.state === 'answering') dispatch(item, receiver)
      })
    },
    pass: (handle, head, { receiver, fresh = false } = {}) => dispatch(hold(handle, head.toString('latin1'), undefined, fresh), receiver),
    back: (from, { head = '', fresh = false, refused = [] }, handle) => {
      onOffered(from, -1)
      if (!isConnectionHandle(handle)) return
      const item = hold(handle, head, undefined, fresh)
      item.refused = new Set([...numbers.keys()].filter(member => refused.includes(numberOf(member))))
      refuse(item, from)
    },
    gone: member => {
      for (const item of held) if (item.member === member) again(item, member)
      numbers.delete(member)
      transit.forget(member)
    },
    retry: () => {
      for (const item of held) if (item.state === 'waiting') dispatch(item)
    },
    delay: transit.delay,
    counts: () => ({ ...counts, held: held.size, waiting: [...held].filter(({ state }) => state === 'waiting').length }),
    close: () => {
      for (const item of held) {
        counts.closed++
        drop(item)
      }
    }
  }
}
