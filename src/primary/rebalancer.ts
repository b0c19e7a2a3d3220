// Applies the rebalancing policy once a period: workers above the others are told to give some idle connections to one below.
import type { Listener } from '../listener/listener.ts'
import { rebalance } from './rebalance-policy.ts'
import type { Heavy, WorkerPeriod } from './rebalance-policy.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** Runs until the returned function is called; never keeps the process alive. */
export function startRebalancer (workers: () => readonly WorkerHandle[], { prefer }: Pick<Listener, 'prefer'>, period: number): () => void {
  let heavy: Heavy = new Map()
  const timer = setInterval(() => {
    const ready = workers().filter(worker => worker.state() === 'ready' && worker.fit())
    const result = rebalance(ready.flatMap(periodOf), heavy)
    heavy = result.heavy
    for (const { from, to, rate, max, relieves } of result.moves) {
      const giver = ready.find(({ slot }) => slot === from)
      const taker = ready.find(({ slot }) => slot === to)
      if (giver === undefined || taker === undefined) continue
      prefer(giver, taker, max)
      const total = giver.snapshot()?.requests.rate ?? 0
      if (total > 0) void giver.channel.post({ type: 'rebalance', share: rate / total, max, relieves })
    }
  }, period).unref()
  return () => clearInterval(timer)
}

function periodOf (worker: WorkerHandle): WorkerPeriod[] {
  const snapshot = worker.snapshot()
  if (snapshot === undefined) return []
  const { utilization, requests, connections } = snapshot
  return [{ id: worker.slot, utilization, requestRate: requests.rate, idleConnections: connections.idle }]
}
