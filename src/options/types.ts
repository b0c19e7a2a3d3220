// The options of clusterize(): one interface for each concern, all of it optional.
import type { FastifyBaseLogger, FastifyListenOptions, FastifyServerOptions } from 'fastify'
import type { BalancerOption } from '../balancer/resolve-balancer.ts'
import type { AutoscaleOptions, ResolvedAutoscale } from './autoscale-types.ts'
import type { AdminOptions, ResolvedAdmin } from './admin-types.ts'
import type { FastifyClusterizeOptions } from './plugin-types.ts'
import type { HealthCheck, HealthCheckOptions } from './health-types.ts'
import type { QueueLimits, QueueOptions } from './queue-types.ts'
import type { RecycleOptions } from './recycle-types.ts'

/** How connections reach a worker. */
export type Scheduling = 'kernel' | 'round-robin' | 'connection' | 'request'

/** When a worker that ended by itself is replaced. */
export interface RestartOptions {
  /**
   * Wait before the second replacement in a row, in ms; the first comes at once, each further one waits twice as long.
   * @default 100
   */
  delay?: number
  /**
   * The longest wait, in ms.
   * @default 30000
   */
  maxDelay?: number
  /**
   * A worker that was ready for this long, in ms, was healthy: the next wait starts from nothing.
   * @default 60000
   */
  resetAfter?: number
  /**
   * Share by which each wait is drawn shorter or longer, so that slots do not return together.
   * @default 0.1
   */
  jitter?: number
  /**
   * More workers than this that end by themselves within `window` are a crash loop, and reported.
   * @default 5
   */
  limit?: number
  /**
   * In ms.
   * @default 60000
   */
  window?: number
}

/** How a stop goes. */
export interface ShutdownOptions {
  /**
   * How long the cluster goes on serving after it was told to stop, in ms, so that load balancers can notice first.
   * @default 0
   */
  delay?: number
  /**
   * In place of `drainTimeout`, when the stop is a fast one (SIGQUIT), in ms.
   * @default 2000
   */
  fastTimeout?: number
}

/** How a rolling reload goes. */
export interface ReloadOptions {
  /**
   * How many slots are replaced at the same time.
   * @default 1
   */
  concurrency?: number
  /**
   * How long a new worker must have been ready before the one it replaces drains, in ms; one that ends earlier fails the reload.
   * @default 1000
   */
  stableFor?: number
}

/** Options of clusterize(): those of `app.listen` and these. */
export interface ClusterizeOptions extends Omit<FastifyListenOptions, 'exclusive'> {
  /**
   * How many workers: a whole number, `'auto'` (`WEB_CONCURRENCY`, else the CPUs this process may use), `0` to run the app in this very process,
   * or bounds between which the cluster chooses by its load.
   * @default 'auto'
   */
  workers?: number | 'auto' | AutoscaleOptions
  /**
   * How many workers wait, booted but not listening, to take over the slot of one that is lost or replaced.
   * @default 0
   */
  spares?: number
  /**
   * `'kernel'`: the workers accept from one socket that the primary holds open. `'connection'`: the primary accepts and a `balancer` picks.
   * `'request'`: connections wait in the primary, each request goes to a free worker. `'round-robin'`: Node's own, the primary accepts and passes on.
   * @default 'kernel'
   */
  scheduling?: Scheduling
  /**
   * The primary's own log: pino options, a pino-like instance, or `false` for none.
   * @default true
   */
  logger?: NonNullable<FastifyServerOptions['logger']> | FastifyBaseLogger
  /**
   * How long a worker may take from its fork until it is ready, in ms.
   * @default 30000
   */
  bootTimeout?: number
  /**
   * How long a worker may take to finish what it has begun and to run its `onClose` hooks, in ms; past it the worker is killed.
   * @default 30000
   */
  drainTimeout?: number
  /**
   * When everything stops: how long an idle keep-alive connection is kept for one more request (answered with `Connection: close`), in ms.
   * @default 1000
   */
  idleGrace?: number
  /**
   * How long a worker may drain after an uncaught error, in ms.
   * @default 5000
   */
  errorDrainTimeout?: number
  /**
   * How often each worker reports its load, in ms.
   * @default 500
   */
  snapshotInterval?: number
  /**
   * A worker that has not reported for so long, in ms, hangs: it is killed and replaced. `false` never kills one for that.
   * Time in which the primary stood still too does not count, and a worker with an open inspector never hangs.
   * @default 30000
   */
  hangTimeout?: number | false
  /**
   * Whether a worker about to be killed because its loop is blocked leaves a diagnostic report, with the JavaScript stack and the requests in flight.
   * It costs each worker a sleeping thread. Reports go to the folder of `--report-directory`, else that of temporary files.
   * @default true
   */
  hangReport?: boolean
  /**
   * Runs in each worker and tells whether it is fit to serve. An unhealthy worker gets no new connections while another is healthy,
   * and is replaced after some failures in a row. Not run with `workers: 0`.
   */
  healthCheck?: HealthCheck | HealthCheckOptions
  /** When a worker that ended by itself is replaced. */
  restart?: RestartOptions
  /**
   * Who gets a new connection, with `scheduling: 'connection'`: a strategy by name, a function, or `{ name, pick }`.
   * @default 'least-connections'
   */
  balancer?: BalancerOption
  /**
   * How many connections a worker may have before others wait in the queue, with `scheduling: 'connection'`.
   * @default Infinity
   */
  maxConnections?: number
  /**
   * How many requests a worker may have in its hands before others wait in the queue, with `scheduling: 'request'`.
   * @default 2
   */
  concurrency?: number
  /** The queue of `scheduling: 'connection'` and `'request'`. */
  queue?: QueueOptions
  /**
   * Whether a worker clearly busier than the others gives some idle connections away, with `scheduling: 'kernel'` and `'connection'`; wherever the `balancer` would have it.
   * @default true, but false with the balancer `'ip-hash'` and with one of your own, which may place by client
   */
  rebalance?: boolean
  /** When a worker in good health is replaced all the same. */
  recycle?: RecycleOptions
  /** How a rolling reload goes. */
  reload?: ReloadOptions
  /** How a stop goes. */
  shutdown?: ShutdownOptions
  /**
   * The name of the cluster: the admin socket has it, and the command line asks for it.
   * @default the name in the package.json of the script that was started, else that of the script
   */
  name?: string
  /**
   * The admin server in the primary: health, status, metrics, a dashboard, orders. `true`: on a Unix socket only this user can open. Not with `workers: 0`.
   * @default false
   */
  admin?: boolean | AdminOptions
  /** Options of the plugin, for an app that does not register it itself. */
  plugin?: FastifyClusterizeOptions
  /**
   * Let the workers share V8's compile cache, where Node has it (22.1 and later).
   * @default true
   */
  compileCache?: boolean
}

/** What `app.listen` gets in the end. */
export interface ListenTarget {
  readonly port: number
  readonly host: string
  readonly path: string | undefined
  readonly backlog: number
  readonly ipv6Only: boolean
  readonly readableAll: boolean
  readonly writableAll: boolean
  readonly listenTextResolver: ((address: string) => string) | undefined
}

/** The same with every default in place: what the rest of the code reads. */
export interface ResolvedOptions {
  readonly listen: ListenTarget
  readonly signal: AbortSignal | undefined
  readonly workers: number
  /** Undefined where the number of workers changes by order only. */
  readonly autoscale: ResolvedAutoscale | undefined
  readonly spares: number
  readonly scheduling: Scheduling
  readonly logger: NonNullable<ClusterizeOptions['logger']>
  readonly bootTimeout: number
  readonly drainTimeout: number
  readonly idleGrace: number
  readonly errorDrainTimeout: number
  readonly snapshotInterval: number
  readonly hangTimeout: number | false
  readonly hangReport: boolean
  readonly healthCheck: Readonly<Required<HealthCheckOptions>> | undefined
  readonly restart: Readonly<Required<RestartOptions>>
  readonly balancer: BalancerOption
  readonly maxConnections: number
  readonly concurrency: number
  readonly queue: QueueLimits
  readonly rebalance: boolean
  readonly recycle: Readonly<Required<RecycleOptions>>
  readonly reload: Readonly<Required<ReloadOptions>>
  readonly shutdown: Readonly<Required<ShutdownOptions>>
  readonly admin: false | ResolvedAdmin
  readonly plugin: FastifyClusterizeOptions
  readonly compileCache: boolean
}
