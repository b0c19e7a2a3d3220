// Resolves the options of clusterize() once: checked, with every default in place, frozen.
import { ConflictingOptionsError, InvalidOptionError } from '../errors.ts'
import { anyObject, boolean, callable, checkOptions, either, given, group, milliseconds, oneOf, share, text, whole } from './check.ts'
import { AUTOSCALE_DEFAULTS } from './autoscale-types.ts'
import type { ResolvedAutoscale } from './autoscale-types.ts'
import { HEALTH_DEFAULTS } from './health-types.ts'
import type { Expectation, Expectations } from './check.ts'
import { adminExpectation, nameExpectation, resolveAdmin } from './resolve-admin.ts'
import { pluginExpectations } from './resolve-plugin.ts'
import { RECYCLE_DEFAULTS } from './recycle-defaults.ts'
import { RESTART_DEFAULTS } from './restart-defaults.ts'
import { BALANCER_NAMES, isBalancer, looksAtClient } from '../balancer/resolve-balancer.ts'
import type { ClusterizeOptions, ListenTarget, ResolvedOptions } from './types.ts'
import { MAX_WORKERS, workerCount } from './worker-count.ts'

const period: Expectation = { ...milliseconds, expected: 'a number of milliseconds from 50', accepts: value => milliseconds.accepts(value) && Number(value) >= 50 }
const count = whole(1, MAX_WORKERS)
const limit = either(oneOf(false), whole(1, Number.MAX_SAFE_INTEGER))

const expectations: Expectations & Record<keyof ClusterizeOptions, Expectation> = {
  port: whole(0, 65535),
  host: text,
  path: text,
  backlog: whole(1, 2 ** 31 - 1),
  ipv6Only: boolean,
  readableAll: boolean,
  writableAll: boolean,
  signal: { expected: 'an AbortSignal', accepts: value => value instanceof AbortSignal },
  listenTextResolver: callable,
  workers: either(oneOf('auto'), whole(0, MAX_WORKERS), group({ min: count, max: either(oneOf('auto'), count), upAt: share, downAt: share, upAfter: milliseconds, downAfter: milliseconds })),
  spares: whole(0, MAX_WORKERS),
  scheduling: oneOf('kernel', 'connection', 'request', 'round-robin'),
  balancer: { expected: `one of ${BALANCER_NAMES.join(', ')}, a function or { name, pick }`, accepts: isBalancer },
  maxConnections: either(oneOf(Infinity), whole(1, 2 ** 31 - 1)),
  concurrency: whole(1, 100_000),
  queue: group({ limit: whole(0, 1_000_000), timeout: milliseconds, maxDelay: either(oneOf(false), milliseconds) }),
  logger: either(boolean, anyObject),
  bootTimeout: milliseconds,
  drainTimeout: milliseconds,
  idleGrace: milliseconds,
  errorDrainTimeout: milliseconds,
  snapshotInterval: period,
  hangTimeout: either(oneOf(false), milliseconds),
  hangReport: boolean,
  healthCheck: either(callable, group({ check: callable, interval: period, timeout: milliseconds, failures: whole(1, 1_000_000) })),
  restart: group({ delay: milliseconds, maxDelay: milliseconds, resetAfter: milliseconds, jitter: share, limit: whole(1, 1_000_000), window: milliseconds }),
  rebalance: boolean,
  recycle: group({ maxRequests: limit, maxAge: either(oneOf(false), milliseconds), maxRss: limit, maxHeap: limit, heapShare: either(oneOf(false), share), jitter: share, minAge: milliseconds }),
  reload: group({ concurrency: whole(1, MAX_WORKERS), stableFor: milliseconds }),
  shutdown: group({ delay: milliseconds, fastTimeout: milliseconds }),
  name: nameExpectation,
  admin: adminExpectation,
  plugin: group(pluginExpectations),
  compileCache: boolean
}

/**
 * @throws FST_CLUSTERIZE_UNKNOWN_OPTION, FST_CLUSTERIZE_INVALID_OPTION, FST_CLUSTERIZE_CONFLICTING_OPTIONS, FST_CLUSTERIZE_INVALID_ENV
 */
export function resolveOptions (options: ClusterizeOptions): ResolvedOptions {
  checkOptions(options, expectations)
  checkCombinations(options)
  checkScheduling(options)
  const autoscale = resolveAutoscale(options.workers)
  const { balancer = 'least-connections' } = options
  return Object.freeze({
    listen: listenTarget(options),
    signal: options.signal,
    workers: autoscale?.min ?? workerCount(typeof options.workers === 'object' ? 'auto' : options.workers ?? 'auto'),
    autoscale,
    spares: options.spares ?? 0,
    scheduling: options.scheduling ?? 'kernel',
    logger: options.logger ?? true,
    bootTimeout: options.bootTimeout ?? 30_000,
    drainTimeout: options.drainTimeout ?? 30_000,
    idleGrace: options.idleGrace ?? 1_000,
    errorDrainTimeout: options.errorDrainTimeout ?? 5_000,
    snapshotInterval: options.snapshotInterval ?? 500,
    hangTimeout: options.hangTimeout ?? 30_000,
    hangReport: options.hangReport ?? true,
    healthCheck: resolveHealthCheck(options.healthCheck),
    restart: Object.freeze({ ...RESTART_DEFAULTS, ...given(options.restart) }),
    balancer,
    maxConnections: options.maxConnections ?? Infinity,
    concurrency: options.concurrency ?? 2,
    queue: Object.freeze({ limit: 1_024, timeout: 10_000, maxDelay: 100, ...given(options.queue) }),
    rebalance: options.rebalance ?? !looksAtClient(balancer),
    recycle: Object.freeze({ ...RECYCLE_DEFAULTS, ...given(options.recycle) }),
    reload: Object.freeze({ concurrency: 1, stableFor: 1_000, ...given(options.reload) }),
    shutdown: Object.freeze({ delay: 0, fastTimeout: 2_000, ...given(options.shutdown) }),
    admin: resolveAdmin(options.admin ?? false, options.name),
    plugin: Object.freeze({ ...given(options.plugin) }),
    compileCache: options.compileCache ?? true
  })
}

function checkCombinations ({ path, port, host, ipv6Only, readableAll, writableAll, restart, idleGrace, drainTimeout = 30_000 }: ClusterizeOptions): void {
  const conflict = (names: string, why: string): never => { throw new ConflictingOptionsError(names, why) }
  if (path !== undefined && (port !== undefined || host !== undefined)) conflict('"path" and "port" or "host"', 'a server listens on a Unix socket or on TCP')
  if (path !== undefined && ipv6Only !== undefined) conflict('"path" and "ipv6Only"', 'a Unix socket has no IP version')
  if (path === undefined && (readableAll === true || writableAll === true)) conflict('"readableAll", "writableAll" and TCP', 'they set the mode of a Unix socket: give "path"')
  const { delay, maxDelay } = { ...RESTART_DEFAULTS, ...given(restart) }
  if (delay > maxDelay) conflict('"restart.delay" and "restart.maxDelay"', `the first wait (${delay} ms) is longer than the longest (${maxDelay} ms)`)
  if (idleGrace !== undefined && idleGrace > drainTimeout) {
    conflict('"idleGrace" and "drainTimeout"', `the grace of idle connections (${idleGrace} ms) is part of the drain (${drainTimeout} ms)`)
  }
}

const NEEDS: ReadonlyArray<readonly [option: 'balancer' | 'maxConnections' | 'concurrency' | 'queue', schedulings: readonly string[]]> = [
  ['balancer', ['connection']],
  ['maxConnections', ['connection']],
  ['concurrency', ['request']],
  ['queue', ['connection', 'request']]
]

function checkScheduling (options: ClusterizeOptions): void {
  const scheduling = options.scheduling ?? 'kernel'
  for (const [name, schedulings] of NEEDS) {
    if (options[name] === undefined || schedulings.includes(scheduling)) continue
    const wanted = schedulings.map(value => `"${value}"`).join(' or ')
    throw new ConflictingOptionsError(`"${name}" and scheduling "${scheduling}"`, `it takes effect with scheduling ${wanted}`)
  }
}

/** The largest size is checked against the smallest once `'auto'` is a number. */
function resolveAutoscale (workers: ClusterizeOptions['workers']): ResolvedAutoscale | undefined {
  if (typeof workers !== 'object') return undefined
  const wanted = { ...AUTOSCALE_DEFAULTS, ...given(workers) }
  const resolved = Object.freeze({ ...wanted, max: workerCount(wanted.max) })
  const { min, max, upAt, downAt } = resolved
  if (min > max) throw new ConflictingOptionsError('"workers.min" and "workers.max"', `the smallest size (${min}) is above the largest (${max}${wanted.max === 'auto' ? ', from WEB_CONCURRENCY or the CPUs this process may use' : ''})`)
  if (downAt >= upAt) throw new ConflictingOptionsError('"workers.downAt" and "workers.upAt"', `a cluster that shrinks below ${downAt} and grows above ${upAt} would never rest`)
  return resolved
}

function resolveHealthCheck (wanted: ClusterizeOptions['healthCheck']): ResolvedOptions['healthCheck'] {
  if (wanted === undefined) return undefined
  if (typeof wanted === 'function') return Object.freeze({ ...HEALTH_DEFAULTS, check: wanted })
  if (wanted.check === undefined) throw new InvalidOptionError('healthCheck.check', callable.expected, 'undefined')
  return Object.freeze({ ...HEALTH_DEFAULTS, ...given(wanted) })
}

function listenTarget (options: ClusterizeOptions): ListenTarget {
  return Object.freeze({
    port: options.port ?? 0,
    host: options.host ?? 'localhost',
    path: options.path,
    backlog: options.backlog ?? 511,
    ipv6Only: options.ipv6Only ?? false,
    readableAll: options.readableAll ?? false,
    writableAll: options.writableAll ?? false,
    listenTextResolver: options.listenTextResolver
  })
}
