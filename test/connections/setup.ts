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
  /** The system's error when a worker removes a file. */
  readonly mayNotRemove?: 'EACCES' | 'ENOENT'
  /** The feature test of moving connections fails, as on a platform without it. */
  readonly unmovable?: boolean
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

export interface Dispatch { readonly queued: number, readonly rejectedFull: number, readonly rejectedTimeout: number, readonly takenBack: number }

/** What the primary has counted until now. */
export async function dispatchOf (cluster: TestCluster): Promise<Dispatch> {
  const seen = cluster.lines().length
  cluster.send({ type: 'stats' })
  const line = await cluster.line(candidate => candidate['event'] === 'stats' && cluster.lines().indexOf(candidate) >= seen)
  return (line['stats'] as { dispatch: Dispatch }).dispatch
}
