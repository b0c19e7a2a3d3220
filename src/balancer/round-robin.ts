// Round robin: each worker in turn, by slot; of two in a slot the newer one.
import type { Balancer, BalancerWorker } from './balancer.ts'

export function createRoundRobin (): Balancer {
  let last = 0
  return {
    name: 'round-robin',
    pick (workers) {
      let first: BalancerWorker | undefined
      let next: BalancerWorker | undefined
      // By slot and not by position, so that a worker that comes or goes disturbs no one's turn.
      for (const worker of workers) {
        if (worker.draining) continue
        if (first === undefined || worker.id <= first.id) first = worker
        if (worker.id > last && (next === undefined || worker.id <= next.id)) next = worker
      }
      next ??= first
      last = next?.id ?? last
      return next
    }
  }
}
