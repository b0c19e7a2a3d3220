// Least connections: the worker with the fewest; of equals, each in turn.
import type { Balancer } from './balancer.ts'
import { createRoundRobin } from './round-robin.ts'

export function createLeastConnections (): Balancer {
  const turn = createRoundRobin()
  return {
    name: 'least-connections',
    pick (workers, connection) {
      const able = workers.filter(({ draining }) => !draining)
      const fewest = Math.min(...able.map(({ connections }) => connections))
      return turn.pick(able.filter(({ connections }) => connections === fewest), connection)
    }
  }
}
