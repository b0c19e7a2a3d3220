// Runs the configurable fixture as a test describes it, and knows where it serves.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { BoundAddress } from '../../src/index.ts'
import type { Order } from '../fixtures/orders.ts'
import { SCENARIO_VARIABLE } from '../fixtures/scenario.ts'
import type { Scenario } from '../fixtures/scenario.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Line, Started, StartOptions } from '../helpers/processes.ts'

export type Target = { readonly host: string, readonly port: number } | { readonly path: string }

export interface Cluster extends Started {
  readonly addresses: readonly BoundAddress[]
  /** Its first address, as `net.connect` and `http.request` take it. */
  readonly target: { host: string, port: number } & { path?: never }
  /** Who became ready last in a slot. */
  readonly pidOf: (slot: number) => number
}

/** Starts the fixture without waiting for anything. */
export function launch (t: TestContext, scenario: Scenario = {}, options: StartOptions = {}): Started {
  return startProcess(t, 'entry.ts', { ...options, env: { ...options.env, [SCENARIO_VARIABLE]: JSON.stringify(scenario) } })
}

/** Resolves once `clusterize()` has, in the primary. */
export async function startCluster (t: TestContext, scenario: Scenario = {}, options: StartOptions = {}): Promise<Cluster> {
  const started = launch(t, scenario, options)
  const { role, addresses } = await started.event('resolved') as { role: string, addresses: readonly BoundAddress[] }
  // The log of the primary is written a moment later than what it prints itself.
  if (role === 'primary') await started.event('cluster-ready')
  const [first] = addresses
  return {
    ...started,
    addresses,
    target: typeof first === 'object' ? { host: first.address, port: first.port } : { host: '', port: 0 },
    pidOf: slot => Number(readyLines(started, slot).at(-1)?.['pid'] ?? assert.fail(`worker ${slot} was never ready`))
  }
}

/** How the primary ended, once everything that it started has ended too and all its output is here. */
export async function ended (started: Started): Promise<Awaited<ReturnType<Started['exit']>>> {
  await started.allGone()
  return started.exit()
}

export function order (cluster: Started, order: Order): void {
  cluster.send({ order })
}

export function readyLines (cluster: Started, slot: number): Line[] {
  return cluster.lines().filter(line => line['event'] === 'worker-ready' && line['slot'] === slot)
}

export function count (cluster: Started, event: string): number {
  return cluster.lines().filter(line => line['event'] === event).length
}
