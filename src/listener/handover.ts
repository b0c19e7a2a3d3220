// The part that all listeners share: connections that workers give away reach another worker through the primary.
import { createRelay } from '../handoff/relay.ts'
import type { ChooseReceiver, Member } from '../handoff/relay.ts'
import { eligible } from './eligible.ts'
import type { Listener, Receiver } from './listener.ts'
import { createPreferences } from './preferences.ts'
import { NO_WAITS } from './queue.ts'

// Connections on their way between workers: how many at once, and how long they wait when nobody is there, in ms.
const LIMITS = { limit: 10_000, waitTimeout: 30_000 }

export function createHandover (workers: () => readonly Receiver[]): Pick<Listener, 'receive' | 'ready' | 'gone' | 'prefer' | 'close' | 'counts'> {
  const preferences = createPreferences()
  const relay = createRelay({ ...LIMITS, choose: preferences.first(taker => taker.fit(), inTurn(workers)) })
  return {
    receive (worker, message, handle) {
      if (message.type === 'handoff-give') relay.offer(worker, message, handle)
      else if (message.type === 'handoff-back') relay.back(worker, message, handle)
    },
    ready: relay.retry,
    gone: relay.gone,
    prefer: preferences.prefer,
    close: relay.close,
    counts: () => ({ queued: 0, rejectedFull: 0, rejectedTimeout: 0, moved: relay.counts().passed, takenBack: 0, waited: NO_WAITS })
  }
}

/** The ready workers in turn, never the one that gave the connection. */
function inTurn (workers: () => readonly Receiver[]): ChooseReceiver {
  let last = 0
  return (from, refused) => {
    const ready = eligible(workers()).filter(worker => worker !== from && !refused.has(worker as Member))
    // Keys grow with each fork, so the next higher one is the next in turn.
    const next = ready.find(({ key }) => key > last) ?? ready[0]
    last = next?.key ?? last
    return next
  }
}
