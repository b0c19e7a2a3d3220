// Applies the rebalancing policy once a period: workers above the others are told to give some idle connections to those below.
import type { Listener } from '../listener/listener.ts'
import { rebalance } from './rebalance-policy.ts'
import type { Heavy, WorkerPeriod } from './rebalance-policy.ts'
import type { WorkerHandle } from './worker-handle.ts'

// How long one order is good for, in ms. A busy loop takes its time for it, and the next order, made meanwhile, would count the same connections again.
const GOOD_FOR = 1_000

/** Runs until the returned function is called; never keeps the process alive. */
export function startRebalancer (workers: () => readonly WorkerHandle[], { prefer }: Pick<Listener, 'prefer'>, period: number): () => void {
  let heavy: Heavy = new Map()
  const timer = setInterval(() => {
    const ready = workers().filter(worker => worker.state() === 'ready' && worker.fit())
    const { moves, heavy: next } = rebalance(ready.flatMap(periodOf), heavy)
    heavy = next
    for (const giver of ready) {
      const own = moves.filter(({ from }) => from === giver.key)
      const total = giver.snapshot()?.requests.rate ?? 0
      if (own.length === 0 || total === 0) continue
      // One order, since the giver chooses among its connections once; who gets how many of them is kept here.
      const [rate, max] = [sum(own.map(move => move.rate)), sum(own.map(move => move.max))]
      prefer(giver, own.flatMap(move => {
        const taker = ready.find(({ key }) => key === move.to)
        return taker === undefined ? [] : [{ taker, count: Math.ceil(max * move.rate / rate) }]
      }), GOOD_FOR)
      void giver.channel.post({ type: 'rebalance', share: rate / total, max, within: GOOD_FOR })
    }
  }, period).unref()
  return () => clearInterval(timer)
}

function periodOf (worker: WorkerHandle): WorkerPeriod[] {
  const snapshot = worker.snapshot()
  if (snapshot === undefined) return []
  const { utilization, requests, connections } = snapshot
  return [{ id: worker.key, utilization, requestRate: requests.rate, idleConnections: connections.idle }]
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
