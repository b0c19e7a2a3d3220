// What a test tells its cluster, and how the test starts one.
import type { TestContext } from 'node:test'
import type { ClusterizeOptions } from '../../src/index.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'

const VARIABLE = 'CONNECTIONS_TEST'

export interface Setup {
  readonly options: ClusterizeOptions
  readonly server: { readonly kind: 'http' | 'https' | 'h2' | 'h2c', readonly key?: string, readonly cert?: string, readonly connectionTimeout?: number }
  /** A user's balancer that does not do its work. */
  readonly faulty?: 'throws' | 'nonsense'
  /** These slots boot only once the file exists. */
  readonly gate?: { readonly slots: readonly number[], readonly file: string }
  /** A file that holds the version of the "code". */
  readonly version?: string
}

export interface Order { readonly type: 'reload' | 'workers' | 'stats' }

export function setup (): Setup {
  return JSON.parse(process.env[VARIABLE] ?? '') as Setup
}

/** How a Setup travels to the cluster. */
export function environmentOf (given: Setup): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(given) }
}

export interface TestCluster extends Started {
  readonly target: { readonly host: string, readonly port: number } | { readonly path: string }
}

/** Resolves once the cluster is up. */
export async function startCluster (t: TestContext, { server = { kind: 'http' }, ...rest }: Partial<Setup> & Pick<Setup, 'options'>): Promise<TestCluster> {
  const given: Setup = { server, ...rest }
  const started = startProcess(t, new URL('./entry.ts', import.meta.url).pathname, { env: environmentOf(given) })
  const { addresses } = await started.event('up') as unknown as { addresses: Array<{ address: string, port: number } | string> }
  // The log of the primary is written a moment later than what it prints itself.
  await started.event('cluster-ready')
  const [first] = addresses
  if (first === undefined) throw new Error('the cluster has no address')
  return { ...started, target: typeof first === 'string' ? { path: first } : { host: first.address, port: first.port } }
}
