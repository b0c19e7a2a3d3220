// Remembers for whom the connections are meant that a worker was told to give away.
import type { ChooseReceiver, Member } from '../handoff/relay.ts'
import type { Listener, Receiver } from './listener.ts'

export interface Preferences extends Pick<Listener, 'prefer'> {
  /** Asks the preferences first, and `otherwise` where there is none. */
  readonly first: (otherwise: ChooseReceiver) => ChooseReceiver
}

export function createPreferences (): Preferences {
  const preferred = new Map<Member, { readonly taker: Receiver, left: number }>()
  return {
    prefer (giver, taker, count) { preferred.set(giver, { taker, left: count }) },
    first: otherwise => (from, refused, connection) => {
      const wish = from === undefined ? undefined : preferred.get(from)
      if (from === undefined || wish === undefined) return otherwise(from, refused, connection)
      if (--wish.left <= 0) preferred.delete(from)
      const { taker } = wish
      return taker.accepts() && !refused.has(taker) ? taker : otherwise(from, refused, connection)
    }
  }
}
