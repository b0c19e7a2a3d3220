// From what the user wrote to a balancer.
import type { Balancer, BalancerConnection, BalancerWorker } from './balancer.ts'
import { createIpHash } from './ip-hash.ts'
import { createLeastConnections } from './least-connections.ts'
import { createPowerOfTwoChoices } from './power-of-two-choices.ts'
import { createRandom } from './random.ts'
import { createRoundRobin } from './round-robin.ts'

export type BalancerName = 'round-robin' | 'least-connections' | 'power-of-two-choices' | 'random' | 'ip-hash'

/** A user's own: returns one of `workers`, or its id. */
export type BalancerFunction = (workers: readonly BalancerWorker[], connection: BalancerConnection) => BalancerWorker | number

export type BalancerOption = BalancerName | BalancerFunction | { readonly name: string, readonly pick: BalancerFunction }

const STRATEGIES: Readonly<Record<BalancerName, () => Balancer>> = {
  'round-robin': createRoundRobin,
  'least-connections': createLeastConnections,
  'power-of-two-choices': () => createPowerOfTwoChoices(),
  random: () => createRandom(),
  'ip-hash': createIpHash
}

export const BALANCER_NAMES: readonly string[] = Object.keys(STRATEGIES)

export function isBalancer (value: unknown): value is BalancerOption {
  if (typeof value === 'string') return BALANCER_NAMES.includes(value)
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && 'pick' in value && typeof value.pick === 'function' && 'name' in value && typeof value.name === 'string'
}

/** Whether it may look at the client: a connection that goes elsewhere, to even out the load, would not be where it belongs. */
export function looksAtClient (option: BalancerOption): boolean {
  return typeof option !== 'string' || option === 'ip-hash'
}

/** A built-in strategy as it is; a user's own behind a guard, told by `onFault` of the first time it fails. */
export function resolveBalancer (option: BalancerOption): { name: string, pick: BalancerFunction } | Balancer {
  if (typeof option === 'string') return STRATEGIES[option]()
  return typeof option === 'function' ? { name: option.name === '' ? 'custom' : option.name, pick: option } : option
}
