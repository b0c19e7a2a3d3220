// Remembers for whom the connections are meant that a worker was told to give away.
import type { ChooseReceiver, Member } from '../handoff/relay.ts'
import type { Listener, Receiver } from './listener.ts'

export interface Preferences extends Pick<Listener, 'prefer'> {
  /** Asks the preferences first, and `otherwise` where there is none. */
  readonly first: (otherwise: ChooseReceiver) => ChooseReceiver
}

export function createPreferences (): Preferences {
  const preferred = new WeakMap<Member, Array<{ readonly taker: Receiver, left: number }>>()
  return {
    prefer (giver, takers) { preferred.set(giver, takers.map(({ taker, count }) => ({ taker, left: count }))) },
    first: otherwise => (from, refused, connection) => {
      const wishes = from === undefined ? [] : preferred.get(from) ?? []
      // The one of whom most is left, so that each gets its part however few are given in the end.
      const wish = wishes.reduce<typeof wishes[number] | undefined>((most, each) => each.left > (most?.left ?? 0) ? each : most, undefined)
      if (wish === undefined) return otherwise(from, refused, connection)
      wish.left--
      const { taker } = wish
      return taker.accepts() && !refused.has(taker) ? taker : otherwise(from, refused, connection)
    }
  }
}
