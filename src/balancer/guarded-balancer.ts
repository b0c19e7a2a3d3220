// Stands between a balancer and the connections: one that throws or returns nonsense costs none of them.
import type { Balancer, BalancerWorker } from './balancer.ts'
import type { BalancerFunction } from './resolve-balancer.ts'
import { createRoundRobin } from './round-robin.ts'

/**
 * @param onFault told once when the balancer begins to fail, and again only after it has worked in between
 */
export function guardBalancer ({ name, pick }: { name: string, pick: BalancerFunction | Balancer['pick'] }, onFault: (error: Error) => void): Balancer {
  const fallback = createRoundRobin()
  let state: 'working' | 'failing' = 'working'
  const fail = (error: unknown): void => {
    if (state === 'failing') return
    state = 'failing'
    onFault(error instanceof Error ? error : new Error(`balancer "${name}" threw ${String(error)}`))
  }
  return {
    name,
    pick (workers, connection) {
      const able = workers.some(({ draining }) => draining) ? workers.filter(({ draining }) => !draining) : workers
      if (able.length === 0) return undefined
      try {
        const chosen = find(able, pick(able, connection))
        if (chosen !== undefined) {
          state = 'working'
          return chosen
        }
        fail(new Error(`balancer "${name}" must return one of the workers it was given, or the id of one`))
      } catch (error) {
        fail(error)
      }
      return fallback.pick(able, connection)
    }
  }
}

/** Who means a slot alone means the newer of two workers in it. */
function find (workers: readonly BalancerWorker[], answer: unknown): BalancerWorker | undefined {
  const id = typeof answer === 'object' && answer !== null && 'id' in answer ? answer.id : answer
  return workers.find(worker => worker === answer) ?? workers.findLast(worker => worker.id === id)
}
