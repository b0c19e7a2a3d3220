// Power of two choices: of two workers drawn at random, the one with fewer connections (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
import type { Balancer } from './balancer.ts'

export function createPowerOfTwoChoices (random: () => number = Math.random): Balancer {
  return {
    name: 'power-of-two-choices',
    pick (workers) {
      const able = workers.filter(({ draining }) => !draining)
      const first = Math.floor(random() * able.length)
      // Drawn from the others, so that the two are never the same.
      const second = (first + 1 + Math.floor(random() * (able.length - 1))) % able.length
      const [a, b] = [able[first], able[second]]
      return a === undefined || b === undefined || a.connections <= b.connections ? a : b
    }
  }
}
