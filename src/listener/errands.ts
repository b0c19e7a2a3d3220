// The requests that workers were sent: which of them have arrived, and which can still be taken back from a worker whose loop is kept.
import type { SendHandle } from 'node:child_process'
import { createTickets, redeem } from '../tickets.ts'
import type { Hands, Place } from './hands.ts'
import type { Receiver } from './listener.ts'

/** `sent`: the worker has not said yet that it received it. `taken back`: nor will it begin when it does. */
export type ErrandState = 'sent' | 'received' | 'taken back' | 'over'

/** One request on its way to one worker, or in its hands. */
export interface Errand<Client> {
  readonly id: number
  readonly client: Client
  readonly worker: Receiver
  readonly place: Place
  readonly ticket: string | undefined
  state: ErrandState
}

export interface Errands<Client> {
  /** `head` is what was read of the request. */
  readonly start: (client: Client, worker: Receiver, head: Buffer, handle: SendHandle) => Errand<Client>
  /** Undefined where that worker has none of this number, or none any more. */
  readonly find: (worker: Receiver, id: number) => Errand<Client> | undefined
  readonly of: (worker: Receiver) => ReadonlyArray<Errand<Client>>
  /** Its request has ended. */
  readonly end: (errand: Errand<Client>) => void
  /** The worker ended, or will not begin. */
  readonly abandon: (errand: Errand<Client>) => void
  /** Those that should have been begun by now, and that their workers have not even read; oldest first. */
  readonly late: () => Array<Errand<Client>>
  /** False where the worker has begun meanwhile, or nobody can tell. */
  readonly takeBack: (errand: Errand<Client>) => boolean
  /** What is sent from now on cannot be taken back. False where that was so before. */
  readonly stopTickets: () => boolean
  readonly close: () => void
}

export interface ErrandEvents<Client> {
  /** The worker ended, or the connection got lost on the way there. */
  readonly onUndelivered: (errand: Errand<Client>) => void
  /** Something is late: a loop that is kept says nothing that could remind of it. */
  readonly onLate: () => void
}

export function createErrands<Client> (hands: Hands<Receiver>, { onUndelivered, onLate }: ErrandEvents<Client>): Errands<Client> {
  const errands = new Map<number, Errand<Client>>()
  const unread = new Set<Errand<Client>>()
  const tickets = createTickets()
  let lastId = 0
  let lookAgain: NodeJS.Timeout | undefined

  const arrived = (errand: Errand<Client>, received: boolean): void => {
    if (received) hands.received(errand.place)
    // It kept its place until now: who reads nothing is sent nothing.
    if (errand.state === 'taken back') return hands.letGo(errand.worker)
    if (errand.state === 'over') return
    if (!received) return onUndelivered(errand)
    errand.state = 'received'
    unread.delete(errand)
  }

  const forget = (errand: Errand<Client>, state: 'taken back' | 'over' = 'over'): void => {
    errand.state = state
    errands.delete(errand.id)
    unread.delete(errand)
  }

  const late = (): Array<Errand<Client>> => [...unread].filter(({ place }) => hands.isLate(place))

  const watch = (): void => {
    lookAgain ??= setTimeout(() => {
      lookAgain = undefined
      if (late().length > 0) onLate()
      if (unread.size > 0) watch()
    }, hands.lateAfter())
  }

  return {
    start (client, worker, head, handle) {
      const errand: Errand<Client> = { id: ++lastId, client, worker, place: hands.give(worker), ticket: tickets.issue(), state: 'sent' }
      errands.set(errand.id, errand)
      unread.add(errand)
      const message = { type: 'request-take', id: errand.id, head: head.toString('latin1'), ticket: errand.ticket } as const
      worker.channel.deliver(message, handle, received => { arrived(errand, received) })
      watch()
      return errand
    },
    find (worker, id) {
      const errand = errands.get(id)
      return errand?.worker === worker ? errand : undefined
    },
    of: worker => [...errands.values()].filter(errand => errand.worker === worker),
    end (errand) {
      forget(errand)
      hands.end(errand.worker)
    },
    abandon (errand) {
      if (!errands.has(errand.id)) return
      forget(errand)
      hands.letGo(errand.worker)
      if (errand.ticket !== undefined) redeem(errand.ticket)
    },
    late,
    takeBack (errand) {
      if (errand.ticket === undefined || !redeem(errand.ticket)) return false
      forget(errand, 'taken back')
      return true
    },
    stopTickets: tickets.stop,
    close: () => clearTimeout(lookAgain)
  }
}
