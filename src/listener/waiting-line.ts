// The bounded queue at work: whoever finds it full, or waits too long, is refused.
import type { QueueLimits } from '../options/queue-types.ts'
import type { ListenerCounts } from './listener.ts'
import type { Patience } from './patience.ts'
import { createQueue } from './queue.ts'

export interface WaitingLine<T> {
  /** At the end; refused at once where the line is full. */
  readonly join: (item: T) => void
  /** At the front, with the time it has waited before: it had its turn, and the worker failed it. */
  readonly rejoin: (item: T) => void
  /** Who is next, without leaving. */
  readonly peek: () => T | undefined
  readonly leave: () => T | undefined
  /** It has gone by itself. */
  readonly abandon: (item: T) => void
  readonly depth: () => number
  /** Whoever joins now is refused. */
  readonly isFull: () => boolean
  readonly counts: () => Omit<ListenerCounts, 'moved' | 'takenBack'>
  readonly close: () => void
}

export function createWaitingLine<T> (limits: Pick<QueueLimits, 'limit' | 'timeout'>, refuse: (item: T) => void, patience?: Patience): WaitingLine<T> {
  const queue = createQueue<T>(limits, patience)
  const now = (): number => performance.now()
  let alarm: NodeJS.Timeout | undefined
  let alarmAt = Infinity

  /** One timer for the whole line, for whoever has waited longest. */
  const setAlarm = (): void => {
    const next = queue.nextDeadline() ?? Infinity
    if (next >= alarmAt) return
    clearTimeout(alarm)
    alarmAt = next
    alarm = setTimeout(() => {
      alarmAt = Infinity
      for (const item of queue.expire(now())) refuse(item)
      setAlarm()
    }, Math.max(1, next - now()))
  }

  /** Nobody waits any more: a timer for nobody would be left for as long as one may wait. */
  const calm = (): void => {
    if (queue.depth > 0) return
    clearTimeout(alarm)
    alarmAt = Infinity
  }

  return {
    join (item) {
      if (queue.push(item, now()) === 'full') return refuse(item)
      setAlarm()
    },
    rejoin (item) {
      queue.unshift(item, now())
      setAlarm()
    },
    peek: () => queue.peek(),
    leave () {
      const item = queue.shift(now())
      calm()
      setAlarm()
      return item
    },
    abandon (item) {
      queue.remove(item)
      calm()
    },
    depth: () => queue.depth,
    isFull: () => queue.depth >= limits.limit,
    counts () {
      const { depth, rejected, waited } = queue.stats()
      return { queued: depth, rejectedFull: rejected.full, rejectedTimeout: rejected.timeout, waited }
    },
    close: () => clearTimeout(alarm)
  }
}
