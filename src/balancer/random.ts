// Random: every worker with the same chance.
import type { Balancer } from './balancer.ts'

export function createRandom (random: () => number = Math.random): Balancer {
  return {
    name: 'random',
    pick (workers) {
      const able = workers.filter(({ draining }) => !draining)
      return able[Math.floor(random() * able.length)]
    }
  }
}
