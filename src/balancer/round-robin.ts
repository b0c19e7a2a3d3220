// Round robin: each worker in turn, by slot.
import type { Balancer } from './balancer.ts'

export function createRoundRobin (): Balancer {
  let last = 0
  return {
    name: 'round-robin',
    pick (workers) {
      const able = workers.filter(({ draining }) => !draining).toSorted((a, b) => a.id - b.id)
      // By slot and not by position, so that a worker that comes or goes disturbs no one's turn.
      const next = able.find(({ id }) => id > last) ?? able[0]
      last = next?.id ?? last
      return next
    }
  }
}
