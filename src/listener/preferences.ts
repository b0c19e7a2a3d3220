// Remembers for whom the connections are meant that a worker was told to give away.
import type { ChooseReceiver, Member } from '../handoff/relay.ts'
import type { Listener, Receiver } from './listener.ts'

export interface Preferences extends Pick<Listener, 'prefer'> {
  /** Asks the preferences first, and `otherwise` where there is none, or who is preferred may not take one. */
  readonly first: (mayTake: (taker: Receiver) => boolean, otherwise: ChooseReceiver) => ChooseReceiver
}

interface Wish { readonly taker: Receiver, left: number }

export function createPreferences (now: () => number = () => performance.now()): Preferences {
  const orders = new WeakMap<Member, { readonly until: number, readonly wishes: readonly Wish[] }>()

  /** The one of whom most is left, so that each gets its part however few are given in the end. */
  const wishOf = (giver: Member): Wish | undefined => {
    const { until, wishes } = orders.get(giver) ?? { until: 0, wishes: [] }
    if (now() >= until) return undefined
    return wishes.reduce<Wish | undefined>((most, each) => each.left > (most?.left ?? 0) ? each : most, undefined)
  }

  return {
    prefer (giver, takers, within) {
      orders.set(giver, { until: now() + within, wishes: takers.map(({ taker, count }) => ({ taker, left: count })) })
    },
    first: (mayTake, otherwise) => (from, refused, connection) => {
      const wish = from === undefined ? undefined : wishOf(from)
      if (wish === undefined) return otherwise(from, refused, connection)
      wish.left--
      const { taker } = wish
      return taker.accepts() && !refused.has(taker) && mayTake(taker) ? taker : otherwise(from, refused, connection)
    }
  }
}
