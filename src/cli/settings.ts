// The settings of `clusterize start`: one table of flags, environment variables and the options that both set.

/** How the text of a flag or variable becomes a value. `limit` is a number, or `false` for none; `count` one, or `'auto'`. */
export type SettingKind = 'text' | 'number' | 'limit' | 'count' | 'boolean'

export interface Setting {
  /** The flag without its dashes. */
  readonly flag: string
  readonly kind: SettingKind
  /** The option of clusterize() that it sets, a dot for each level. */
  readonly option: string
  /** The variables that set it too, the strongest first. */
  readonly variables: readonly string[]
  readonly short?: string
  readonly placeholder?: string
  readonly help: string
}

const setting = (flag: string, kind: SettingKind, option: string, help: string, more: { short?: string, placeholder?: string, also?: string } = {}): Setting => ({
  flag,
  kind,
  option,
  help,
  variables: [`CLUSTERIZE_${flag.replaceAll('-', '_').toUpperCase()}`, ...more.also === undefined ? [] : [more.also]],
  ...more.short === undefined ? {} : { short: more.short },
  ...kind === 'boolean' ? {} : { placeholder: more.placeholder ?? (kind === 'text' ? 'text' : 'n') }
})

export const SETTINGS: readonly Setting[] = [
  setting('port', 'number', 'port', 'TCP port, 0 for any free one (3000)', { short: 'p', also: 'PORT' }),
  setting('host', 'text', 'host', 'address to listen on (localhost)', { placeholder: 'address', also: 'HOST' }),
  setting('path', 'text', 'path', 'Unix socket to listen on, in place of port and host', { placeholder: 'file' }),
  // WEB_CONCURRENCY stands behind 'auto' and is read there.
  setting('workers', 'count', 'workers', 'how many, 0 for this process alone (auto: WEB_CONCURRENCY, else the CPUs)', { short: 'w' }),
  setting('min-workers', 'number', 'workers.min', 'the fewest, where the load decides between bounds (1)'),
  setting('max-workers', 'count', 'workers.max', 'the most, where the load decides between bounds (auto)'),
  setting('spares', 'number', 'spares', 'workers that wait booted to take over a slot (0)'),
  setting('name', 'text', 'name', 'name of the cluster, by which the other commands find it (the current folder)', { placeholder: 'name' }),
  setting('scheduling', 'text', 'scheduling', 'kernel, connection, request or round-robin (kernel)', { short: 's', placeholder: 'how' }),
  setting('balancer', 'text', 'balancer', 'least-connections, round-robin, power-of-two-choices, random or ip-hash', { placeholder: 'name' }),
  setting('max-connections', 'number', 'maxConnections', 'connections per worker before others wait (no limit)'),
  setting('concurrency', 'number', 'concurrency', 'requests per worker before others wait (2)'),
  setting('queue-limit', 'number', 'queue.limit', 'how many may wait (1024)'),
  setting('queue-timeout', 'number', 'queue.timeout', 'how long one may wait (10000)', { placeholder: 'ms' }),
  setting('queue-max-delay', 'limit', 'queue.maxDelay', 'how long one may wait in a lasting overload, or false (100)', { placeholder: 'ms' }),
  setting('rebalance', 'boolean', 'rebalance', 'whether busy workers give idle connections away (yes, not with ip-hash)'),
  setting('boot-timeout', 'number', 'bootTimeout', 'from fork to ready (30000)', { placeholder: 'ms' }),
  setting('drain-timeout', 'number', 'drainTimeout', 'to finish requests and close (30000)', { placeholder: 'ms' }),
  setting('idle-grace', 'number', 'idleGrace', 'how long idle connections are kept at a stop (1000)', { placeholder: 'ms' }),
  setting('shutdown-delay', 'number', 'shutdown.delay', 'how long to serve on after the order to stop (0)', { placeholder: 'ms' }),
  setting('hang-timeout', 'limit', 'hangTimeout', 'silence after which a worker is killed, or false (30000)', { placeholder: 'ms' }),
  setting('reload-concurrency', 'number', 'reload.concurrency', 'slots replaced at the same time (1)'),
  setting('reload-stable-for', 'number', 'reload.stableFor', 'how long new code must run before old code goes (1000)', { placeholder: 'ms' }),
  setting('max-requests', 'limit', 'recycle.maxRequests', 'a worker is replaced after so many, or false (false)'),
  setting('max-age', 'limit', 'recycle.maxAge', 'a worker is replaced at this age, or false (false)', { placeholder: 'ms' }),
  setting('max-rss', 'limit', 'recycle.maxRss', 'a worker is replaced above this memory, or false (false)', { placeholder: 'bytes' }),
  setting('admin', 'boolean', 'admin', 'the admin server, which the other commands talk to (yes)'),
  setting('admin-port', 'number', 'admin.port', 'let it listen on TCP too, for browsers and probes'),
  setting('admin-host', 'text', 'admin.host', 'address for that port (127.0.0.1)', { placeholder: 'address' }),
  setting('admin-path', 'text', 'admin.path', 'its Unix socket (in the runtime folder, by the name)', { placeholder: 'file' }),
  setting('min-ready', 'number', 'admin.minReady', 'ready workers below which /readyz answers 503 (1)')
]

/** Settings of the command itself. */
export const OWN_SETTINGS: readonly Setting[] = [
  setting('as', 'text', 'as', 'what the default export is: factory or plugin (told by its parameters)', { placeholder: 'style' }),
  setting('log-level', 'text', 'logLevel', "level of the cluster's log, and of an app made from a plugin (info)", { short: 'l', placeholder: 'level' }),
  setting('watch', 'boolean', 'watch', 'reload when a file changes: for development')
]
