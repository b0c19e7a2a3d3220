// Least connections: the worker with the fewest; of equals, each in turn.
import type { Balancer } from './balancer.ts'
import { createRoundRobin } from './round-robin.ts'

export function createLeastConnections (): Balancer {
  const turn = createRoundRobin()
  return {
    name: 'least-connections',
    pick (workers, connection) {
      let fewest = Infinity
      for (const { draining, connections } of workers) if (!draining && connections < fewest) fewest = connections
      return turn.pick(workers.filter(({ connections }) => connections === fewest), connection)
    }
  }
}
